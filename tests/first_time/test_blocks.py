"""The files and the commands of a page are found."""

import pytest

from tests.first_time.blocks import INTERRUPT, File, blocks_of

PAGE = """# A title

```{code-block} python
:caption: shop/signals.py
:emphasize-lines: 1

answer = 42
```

```console
$ mkdir shop
$ python -m shop
placed 1

done
```

```{code-block} console
:caption: A second terminal
$ clarion work shop
works
```

```{code-block} console
:caption: A second terminal
made
^C
Stopped.
```

```text
shop/
```
"""


def test_blocks_are_in_order():
    """A caption is the path of a file, or the name of a terminal."""
    file, *sessions = blocks_of(PAGE)
    assert file == File(3, "shop/signals.py", "answer = 42\n")
    assert [each.terminal for each in sessions] == ["", "A second terminal", "A second terminal"]


def test_steps_have_their_output_and_line():
    """Each command has the lines below it; a block may begin with output, or interrupt."""
    _, first, _, third = blocks_of(PAGE)
    assert [(step.line, step.command, step.output) for step in first.steps] == [
        (11, "mkdir shop", []),
        (12, "python -m shop", ["placed 1", "", "done"]),
    ]
    assert [(step.line, step.command, step.output) for step in third.steps] == [
        (26, None, ["made"]),
        (27, INTERRUPT, ["Stopped."]),
    ]


def test_block_without_a_path_is_refused():
    """No code of the tutorial escapes its test."""
    with pytest.raises(ValueError, match="line 3: a block of python without the path"):
        list(blocks_of("# A title\n\n```python\nanswer = 42\n```\n"))
