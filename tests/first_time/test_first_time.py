"""The first hour of a new user: an empty directory, the wheel, the commands of the pages, and nothing else.

`make first-time` runs these tests. pip looks for Clarion in the directory of the wheel, because a checkout is
no release. The other packages come from the package index.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.first_time.reader import Reader
from tests.first_time.test_tutorial import WAYS, free_port, pages_of
from tests.house.tree import ROOT
from tests.tools.building import OURS, run

pytestmark = pytest.mark.wheel

# Pages whose examples are one program, and what a reader installs for them.
FIRST_PAGES = {
    "README.md": [],
    "docs/index.md": [],
    "docs/migrate/from-flask-signals.md": ["flask", "flask-sqlalchemy"],
}

# Run the examples of a page as one program, and compare the output of its prompts.
PROGRAM = """
import doctest as _doctest, pathlib as _pathlib, re as _re

for _block in _re.findall("^```python\\n(.*?)^```", _pathlib.Path("page.md").read_text(), _re.M | _re.S):
    if _block.startswith(">>>"):
        _session = _doctest.DocTestParser().get_doctest(_block, globals(), "page.md", "page.md", 0)
        _runner = _doctest.DocTestRunner(optionflags=_doctest.ELLIPSIS)
        assert not _runner.run(_session, clear_globs=False).failed
        globals().update(_session.globs)
    else:
        exec(compile(_block, "page.md", "exec"))
"""


@pytest.fixture
def bare(wheel, tmp_path):
    """Return the environment of a terminal in which only `python` is installed."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(getattr(sys, "_base_executable", sys.executable))
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return kept | {
        "PATH": os.pathsep.join([str(programs), "/usr/local/bin", "/usr/bin", "/bin"]),
        "PIP_FIND_LINKS": str(wheel.parent),
        "PIP_QUIET": "2",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.fixture
def folder(tmp_path):
    """Return an empty directory."""
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.mark.parametrize("way", WAYS)
def test_the_tutorial_is_enough(bare, folder, way):
    """Each command of the tutorial works, from the environment to the tests of the shop."""
    with Reader(folder, bare, replaced={"8000": free_port()}) as reader:
        for page in pages_of(way):
            reader.follow(page)


@pytest.mark.parametrize("page", FIRST_PAGES)
def test_the_first_page_is_enough(wheel, folder, page):
    """The line that installs, and the examples of a first page, are all that it needs."""
    run(sys.executable, "-m", "venv", "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    pip = (python, "-m", "pip", "-q", "--no-input", "install", "--find-links", wheel.parent)
    run(*pip, "clarion-signals", *FIRST_PAGES[page], cwd=folder, PIP_DISABLE_PIP_VERSION_CHECK="1")
    Path(folder, "page.md").write_text((ROOT / page).read_text())
    Path(folder, "program.py").write_text(PROGRAM)
    run(python, "program.py", cwd=folder)
