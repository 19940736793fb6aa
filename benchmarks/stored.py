"""Read the stored results again, and draw them: `python -m benchmarks.stored`.

Use it after a change of the drawings. The figures stay those of the last `make bench`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmarks.__main__ import RESULTS, draw
from benchmarks.cases import Case
from benchmarks.peers import Library
from benchmarks.report import ABSENT, Report, Row
from benchmarks.timing import Ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

SPREAD = re.compile(r"(?P<median>[\d.,]+)(?: \[(?P<low>[\d.,]+)-(?P<high>[\d.,]+)\])?")


class Named(Library):
    """A library that is only a name, because nothing is measured."""

    def __init__(self, name: str) -> None:
        """Import nothing."""
        self.name = name


def read(text: str) -> Report:
    """Return the report that a Markdown document was made from."""
    header, _, *lines = cells(text)
    report = Report([Named(name) for name in header[5:]])
    report.rows = [row(header[5:], line) for line in lines]
    for name, figures in re.findall(r"^- Noise: (.+): (\S+ \[.*\])$", text, re.MULTILINE):
        report.noise.append(Row(Case(name, "", None, lambda libraries: []), {"": ratio(figures)}))
    return report


def cells(text: str) -> Iterator[list[str]]:
    """Yield the cells of each line of the table."""
    for line in text.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def row(names: list[str], line: list[str]) -> Row:
    """Return one row of the table."""
    target = None if line[3] == ABSENT else float(line[3])
    case = Case(line[0], line[1], target, lambda libraries: [])
    figures = zip(names, line[5:], strict=True)
    return Row(case, {name: ratio(each) for name, each in figures if each != ABSENT})


def ratio(figures: str) -> Ratio:
    """Return a ratio with its quartiles, if they are given."""
    match = SPREAD.fullmatch(figures)
    if match is None:
        raise ValueError(f"{figures!r} is no ratio.")
    given = match.groupdict(match["median"])
    median, low, high = (float(given[name].replace(",", "")) for name in SPREAD.groupindex)
    return Ratio(median, low, high, 1)


if __name__ == "__main__":
    draw(read(RESULTS.read_text(encoding="utf-8")))
