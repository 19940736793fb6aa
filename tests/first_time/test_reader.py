"""A page that says something wrong fails, at its line."""

import os
import sys
from pathlib import Path

import pytest

from tests.first_time.reader import Reader
from tests.first_time.terminal import Terminal

COUNTER = """import time
try:
    for number in range(3):
        print(number)
    time.sleep(60)
except KeyboardInterrupt:
    print("stopped")
"""

PAGE = f"""
```console
$ mkdir parts
$ cd parts
```

```{{code-block}} python
:caption: in/counter.py
{COUNTER}```

```console
$ export COLOUR=green
$ echo $COLOUR; ls *
green
counter.py
$ pip install nothing
```

```{{code-block}} console
:caption: A second terminal
$ PYTHON in/counter.py
0
...
2
```

```console
$ echo $COLOUR
green
```

```{{code-block}} console
:caption: A second terminal
^C
stopped
$ echo $?
0
```
"""


@pytest.fixture
def follow(tmp_path):
    """Return a function that follows a page in an empty directory."""
    page = tmp_path / "page.md"
    folder = tmp_path / "folder"
    folder.mkdir()

    def follow(text):
        page.write_text(text)
        with Reader(folder, dict(os.environ), ["pip "], {"PYTHON": sys.executable}) as reader:
            reader.follow(page)
        return folder

    return follow


def test_page_is_followed(follow):
    """Files are written, commands share their terminal, another terminal runs until Ctrl+C."""
    folder = follow(PAGE)
    assert Path(folder, "parts/in/counter.py").read_text() == COUNTER


@pytest.mark.parametrize(
    ("session", "message"),
    [
        ("$ echo one\ntwo", r"page.md:2: expected\ntwo\n--- but shown is\none"),
        ("$ echo one", r"page.md:2: expected\n\n--- but shown is\none"),
        ("$ true\n$ false", "page.md:3: the command ended with 1"),
    ],
)
def test_wrong_page_fails(follow, session, message):
    """Another output, an output that the page hides, and a failure fail at their line."""
    with pytest.raises(AssertionError, match=message):
        follow(f"```console\n{session}\n```\n")


def test_command_that_waits_ends_with_its_terminal(tmp_path):
    """What still runs when the reader stops is killed."""
    terminal = Terminal(tmp_path, dict(os.environ))
    terminal.start("echo begun; sleep 600")
    assert terminal.wait_for(lambda shown: shown == "begun\n") == "begun\n"
    shown = os.dup(terminal._shell.stdout.fileno())
    terminal.close()
    assert os.read(shown, 100) == b""  # no process has the other end
    os.close(shown)
