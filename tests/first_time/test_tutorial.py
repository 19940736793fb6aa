"""The tutorial is right: its files and commands give the output that it shows.

Nothing is installed here, because this environment has it all. test_first_time.py installs the wheel.
"""

import os
import re
import socket
import sys
from pathlib import Path

import pytest

from tests.first_time.reader import INSTALLING, Reader
from tests.house.tree import ROOT

TUTORIAL = ROOT / "docs" / "tutorial"
ALIEN = {"CLARION_DATABASE", "DJANGO_SETTINGS_MODULE"}  # would change what the shop does
WAYS = sorted(path.name for path in TUTORIAL.iterdir() if path.is_dir())


def pages_of(way):
    """Return the chapters of one way through the tutorial, in order."""
    return sorted((TUTORIAL / way).glob("*.md"))


def title_of(page):
    """Return the title of a page."""
    return page.read_text().partition("\n")[0].removeprefix("# ")


def environment():
    """Return the variables of a terminal that finds what is installed in this environment."""
    kept = {name: value for name, value in os.environ.items() if name not in ALIEN}
    beside = Path(sys.executable).parent  # the interpreter, and the commands of its packages
    return {**kept, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}


def free_port():
    """Return a port for the server of a shop, as text."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def test_the_chapters_are_right(tmp_path):
    """A reader who follows the chapters sees what they show; `make first-time` follows all ways."""
    with Reader(tmp_path, environment(), INSTALLING) as reader:
        for page in pages_of("python"):
            reader.follow(page)


@pytest.mark.parametrize("way", WAYS)
def test_the_chapters_are_parallel(way):
    """Each way has the same chapters, so that a reader can compare them."""
    chapters = [title_of(page) for page in pages_of("python")]
    assert [title_of(page) for page in pages_of(way)] == chapters
    index = (TUTORIAL / "index.md").read_text()
    assert re.findall(r"^\| (\d\. .*?) \|", index, re.MULTILINE) == chapters
    contents = re.findall(rf"^(.*) <{way}/(.*)>$", index, re.MULTILINE)
    assert [page for _, page in contents] == [page.stem for page in pages_of(way)]
    # The list of pages beside the text names the way: its chapters have the titles of the others.
    assert [title.lower() for title, _ in contents] == [
        f"{way}: {each}".lower() for each in chapters
    ]
