"""The reports that docs/how-to/check-types.md shows are those of the checkers."""

import re
from importlib.util import find_spec

import pytest

from tests.house.tree import ROOT
from tests.typing.test_checkers import reports_of_mypy, reports_of_pyright

PAGE = (ROOT / "docs/how-to/check-types.md").read_text()
FLAGS = re.MULTILINE | re.DOTALL
BLOCKS = re.findall(r"^(<!-- skip[^\n]*\n)?```python\n(.*?)^```", PAGE, FLAGS)
RIGHT = "\n".join(text for skip, text in BLOCKS if not skip)
WRONG = "\n".join(text for _, text in BLOCKS[:2])
CHECKERS = {"mypy": reports_of_mypy, "pyright": reports_of_pyright}


@pytest.fixture(params=CHECKERS)
def checker(request):
    """Return the name of a checker that is installed."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed; `make types` has it")
    return request.param


def reports(checker, folder, text):
    """Return what a checker reports on a text, as one text."""
    (folder / "page.py").write_text(text)
    found = CHECKERS[checker](folder, [folder / "page.py"], strict=True)
    return "\n".join(message for *_, message in found)


def test_the_code_of_the_page_is_accepted(checker, tmp_path):
    """A checker accepts all code of the page, except the block that is wrong on purpose."""
    assert reports(checker, tmp_path, RIGHT) == ""


def test_the_reports_are_those_of_the_checker(checker, tmp_path):
    """Each line on the page is in the reports of the checker."""
    found = reports(checker, tmp_path, WRONG)
    (shown,) = re.findall(rf"^{checker}, shortened:\n\n```text\n(.*?)^```", PAGE, FLAGS)
    for line in shown.splitlines():
        assert line.removesuffix("...").strip() in found
