"""The reports that docs/how-to/check-types.md shows are those of the checkers."""

import re
from importlib.util import find_spec

import pytest

from tests.house.tree import ROOT
from tests.typing.test_checkers import reports_of_mypy, reports_of_pyright

PAGE = (ROOT / "docs/how-to/check-types.md").read_text()
BLOCKS = re.findall(r"^(<!-- skip[^\n]*\n)?```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
RIGHT = "\n".join(text for skip, text in BLOCKS if not skip)
WRONG = "\n".join(text for _, text in BLOCKS[:2])
CHECKERS = {"mypy": reports_of_mypy, "pyright": reports_of_pyright}


@pytest.fixture(params=CHECKERS)
def check(request, tmp_path):
    """Return a function that returns what a checker reports on a text, as one text."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed; `make types` has it")

    def check(text):
        (tmp_path / "page.py").write_text(text)
        found = CHECKERS[request.param](tmp_path, [tmp_path / "page.py"], strict=True)
        return "\n".join(message for *_, message in found)

    check.shown = re.findall(
        rf"^{request.param}, shortened:\n\n```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
    )
    return check


def test_the_code_of_the_page_is_accepted(check):
    """A checker accepts all code of the page, except the block that is wrong on purpose."""
    assert check(RIGHT) == ""


def test_the_reports_are_those_of_the_checker(check):
    """Each line on the page is in the reports of the checker."""
    found = check(WRONG)
    (shown,) = check.shown
    for line in shown.splitlines():
        assert line.removesuffix("...").strip() in found
