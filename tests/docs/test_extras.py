"""The page of the extras has each of the package, and no other."""

import re
import tomllib

from tests.house.tree import ROOT


def test_the_page_has_every_extra():
    """In alphabetical order."""
    page = (ROOT / "docs" / "reference" / "extras.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    rows = re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)
    assert rows == sorted(project["optional-dependencies"])
