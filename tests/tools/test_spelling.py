"""The spelling step of `make docs` finds a misspelling."""

import re
import shutil
import subprocess

import pytest

from tests.house.tree import ROOT

COMMAND = re.search(r"^\t\S+/codespell (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
ENVIRONMENT = ROOT / ".venvs" / "docs" / "bin"


@pytest.fixture
def codespell():
    """Return the path of codespell, from PATH or from the environment of the documentation."""
    found = shutil.which("codespell") or shutil.which("codespell", path=ENVIRONMENT)
    if found is None:
        pytest.skip("codespell is not installed; `make docs` has it")
    return found


@pytest.fixture
def check(codespell, tmp_path):
    """Return a function that checks a copy of the pages in which one text is written."""
    assert COMMAND is not None
    places = COMMAND[1].split()
    for place in places:
        if (ROOT / place).is_dir():
            (tmp_path / place).mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    def check(path, text):
        for place in places:
            if (ROOT / place).is_file():
                (tmp_path / place).write_text("Nothing is wrong here.\n")
        (tmp_path / path).write_text(text)
        return subprocess.run(
            [codespell, *places], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return check


@pytest.mark.parametrize("path", ["docs/page.md", "README.md", "src/module.py", "changelog.d/x.md"])
def test_a_misspelling_is_found(check, path):
    """The step fails, and prints the file, the word and the correction."""
    done = check(path, "The reciever is called.\n")
    assert done.returncode != 0
    assert f"{path}:1: reciever ==> receiver" in done.stdout.removeprefix("./")


def test_words_of_the_house_are_none(check):
    """A page with the words that pyproject.toml lists has no misspelling."""
    assert check("docs/page.md", "Await asend.\n").returncode == 0
