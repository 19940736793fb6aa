"""Turn the indented blocks of docstrings into blocks of code.

As in Markdown, and in the hover text of editors, an indented block of a docstring is code.
reStructuredText takes it for a quotation, so Sphinx gets a directive before each of them.
"""

from __future__ import annotations

import ast
from textwrap import dedent
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

STEP = 4  # a block is indented by this many columns more than the paragraph above


def convert(lines: list[str]) -> list[str]:
    """Return the lines of a docstring, with a directive before each block of code."""
    converted: list[str] = []
    position = 0
    while position < len(lines):
        end = block_end(lines, position)
        if end:
            margin = " " * above(lines, position)
            code = lines[position:end]
            converted += [f"{margin}.. code-block:: {language(code)}", "", *code, ""]
        else:
            converted.append(lines[position])
        position = end or position + 1
    return converted


def block_end(lines: list[str], start: int) -> int:
    """Return the line after the block of code that begins here, or 0 if none begins."""
    if start == 0 or not lines[start].strip() or lines[start - 1].strip():
        return 0
    margin = above(lines, start)
    if indent(lines[start]) < margin + STEP or is_directive(lines, start):
        return 0
    end = start
    while end < len(lines) and (not lines[end].strip() or indent(lines[end]) >= margin + STEP):
        end += 1
    while not lines[end - 1].strip():
        end -= 1
    return end


def above(lines: list[str], start: int) -> int:
    """Return the indentation of the last line of text above a line."""
    return next((indent(line) for line in reversed(lines[:start]) if line.strip()), 0)


def is_directive(lines: list[str], start: int) -> bool:
    """Return whether a directive or a literal block already marks the block at a line."""
    text = next((line.strip() for line in reversed(lines[:start]) if line.strip()), "")
    return text.startswith((".. ", ":")) or text.endswith("::")


def indent(line: str) -> int:
    """Return the number of spaces before a line."""
    return len(line) - len(line.lstrip())


def language(code: Iterable[str]) -> str:
    """Return how Pygments highlights a block."""
    text = dedent("\n".join(code))
    if text.startswith(">>> "):
        return "pycon"
    if text.startswith("$ "):
        return "console"
    if text.startswith("@"):
        return "python"  # decorators without a function
    try:
        ast.parse(text)
    except SyntaxError:
        return "text"
    return "python"


def setup_lines(*arguments: Any) -> None:
    """Convert the docstring that autodoc passes as its last argument, in place."""
    lines: list[str] = arguments[-1]
    lines[:] = convert(lines)
