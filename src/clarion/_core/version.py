"""The version of Clarion, which `clarion.__version__` loads on first use."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

DISTRIBUTION = "clarion-signals"


def version_of(package: Path) -> str:
    """Return the version of the package in this directory.

    pyproject.toml comes first, because the metadata of an editable installation may be older.
    """
    project = package.parent.with_name("pyproject.toml")
    if package.parent.name == "src" and project.is_file():
        table = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
        if table.get("name") == DISTRIBUTION:
            return str(table["version"])
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # a copied directory, or a frozen program without metadata
        return "0+unknown"


__version__ = version_of(Path(__file__).parents[1])
