"""Tables of text, as wide as the terminal at most.

Rich's tables look the same, but one takes several milliseconds, and a program may have thousands of signals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rich.cells import cell_len, chop_cells, set_cell_size

from clarion._core.printable import safe
from clarion.cli.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Literal

Line: TypeAlias = list[tuple[str, str]]  # texts, each with its style

GAP = 2  # characters between two columns


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        title: its heading.
        justify: "left", or "right" for numbers.
        is_cut: whether a text that is too long ends with an ellipsis. Otherwise it is folded.
        style: the colour, as Rich names it.
    """

    title: str
    justify: Literal["left", "right"] = "left"
    is_cut: bool = False
    style: str = ""


def table_lines(columns: Sequence[Column], rows: Iterable[Iterable[str]], width: int) -> list[Line]:
    """Return the lines of a table: its headings and its rows; none if it has no row.

    Args:
        columns: the columns.
        rows: the texts of each row, one for each column.
        width: the characters of a line at most.
    """
    cells = [[safe(text) for text in row] for row in rows]
    if not cells:
        return []
    titles = [each.title for each in columns]
    gaps = [GAP] * (len(columns) - 1) + [0]
    natural = [
        min(max(map(cell_len, texts)) + gap, width)
        for *texts, gap in zip(titles, *cells, gaps, strict=True)
    ]
    widths = _narrowed(natural, [each.justify == "left" for each in columns], width)
    sizes = [(max(1, size - gap), gap) for size, gap in zip(widths, gaps, strict=True)]
    headings = [Column(each.title, each.justify, style="bold") for each in columns]
    lines = _row_lines(headings, titles, sizes, is_heading=True)
    for row in cells:
        lines += _row_lines(columns, row, sizes)
    return lines


def _row_lines(
    columns: Sequence[Column],
    texts: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    *,
    is_heading: bool = False,
) -> list[Line]:
    cells = [
        _cell_lines(column, text, size)
        for column, text, (size, _) in zip(columns, texts, sizes, strict=True)
    ]
    height = max(map(len, cells))
    blank = [
        [" " * size] * (height - len(cell)) for cell, (size, _) in zip(cells, sizes, strict=True)
    ]
    # The last lines of the headings are next to the first row.
    filled = [
        rest + cell if is_heading else cell + rest for cell, rest in zip(cells, blank, strict=True)
    ]
    gaps = [" " * gap for _, gap in sizes]
    styles = [each.style for each in columns]
    return [
        [(text + gap, style) for text, gap, style in zip(line, gaps, styles, strict=True)]
        for line in zip(*filled, strict=True)
    ]


def _cell_lines(column: Column, text: str, size: int) -> list[str]:
    """Return the lines of a cell, each of `size` characters."""
    taken = cell_len(text)
    if taken <= size:
        space = " " * (size - taken)
        return [space + text if column.justify == "right" else text + space]
    if column.is_cut:
        return [set_cell_size(text, size - 1) + "…"]
    # A letter may take two cells, so a folded line may still be too wide.
    return [
        set_cell_size(part, size) for line in fold(text, size) for part in chop_cells(line, size)
    ]


def _narrowed(widths: list[int], may_narrow: list[bool], most: int) -> list[int]:
    """Return widths whose sum is `most` at most: the widest columns give first, and alike.

    Numbers give only if the columns of text have no character left.
    """
    while sum(widths) > most:
        sizes = sorted({size for size, may in zip(widths, may_narrow, strict=True) if may and size})
        if not sizes:
            may_narrow = [True] * len(widths)
            continue
        widest = sizes[-1]
        step = widest - (sizes[-2] if len(sizes) > 1 else 0)
        chosen = [
            index for index, size in enumerate(widths) if size == widest and may_narrow[index]
        ]
        excess = sum(widths) - most
        widths = list(widths)
        for left, index in zip(range(len(chosen), 0, -1), chosen, strict=True):
            cut = min(step, round(excess / left))
            widths[index] -= cut
            excess -= cut
    return widths
