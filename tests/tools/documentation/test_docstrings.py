"""Indented blocks of docstrings become code."""

from textwrap import dedent

import pytest

from documentation.docstrings import convert, setup_lines

DOCSTRING = dedent("""\
    Send it.

        signal.send(sender)

        signal.send(other)

    Args:
        sender: the sender:

            sent.send("web")

        other: another one.

    Prompts:

        >>> 1 + 1
        2

    Decorators:

        @receiver(order_paid)

    Commands:

        $ clarion ls

    A tree:

        Error
        └── Other""").splitlines()


def converted(*lines):
    """Return the directives among the converted lines."""
    return [line for line in convert([*lines]) if ".. " in line]


def test_every_block_gets_its_directive():
    """The directive is as indented as the text above the block, and names the language."""
    assert converted(*DOCSTRING) == [
        ".. code-block:: python",
        "    .. code-block:: python",
        ".. code-block:: pycon",
        ".. code-block:: python",
        ".. code-block:: console",
        ".. code-block:: text",
    ]


def test_no_line_is_lost():
    """Only directives and empty lines are added."""
    added = [line for line in convert(DOCSTRING) if line.strip() and ".. " not in line]
    assert added == [line for line in DOCSTRING if line.strip()]


def test_a_block_with_empty_lines_is_one():
    """Statements with an empty line between them are one block."""
    lines = convert(DOCSTRING[:6])
    assert lines.count(".. code-block:: python") == 1
    assert lines.index("    signal.send(other)") > lines.index("    signal.send(sender)")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["Text.", "", "More text."], id="paragraphs"),
        pytest.param(["Args:", "    a: one.", "", "    b: two."], id="arguments"),
        pytest.param([".. note::", "", "    Text."], id="a directive"),
        pytest.param(["Code::", "", "    Text."], id="a literal block"),
        pytest.param(["    Text."], id="nothing above"),
        pytest.param([], id="nothing"),
    ],
)
def test_other_text_stays(lines):
    """Text without such a block is not changed."""
    assert convert(lines) == lines


def test_sphinx_passes_the_lines_last():
    """The hook changes the list of autodoc in place."""
    lines = ["Text:", "", "    code"]
    setup_lines(object(), "function", lines)
    assert lines[2] == ".. code-block:: python"
