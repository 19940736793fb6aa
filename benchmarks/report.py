"""Format the results as a table, for the terminal and for Markdown."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers import Clarion, Pure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.cases import Case
    from benchmarks.peers import Library
    from benchmarks.timing import Ratio

ABSENT = "-"
VERDICTS = {True: "yes", False: "no", None: "unsure"}
TOO_NOISY = """\
THE MACHINE WAS TOO NOISY: the same code, timed twice in turn, differed by more than 2 %,
or by more than 10 % between the quartiles. Stop other programs, and repeat."""
QUIET = "Quiet enough: the same code, timed twice in turn, took the same time."


@dataclass
class Row:
    """The results of one case.

    Attributes:
        case: the case.
        ratios: by the name of the library.
        seconds: how long the baseline of the first library takes.
        problem: why the case could not be measured, or "".
    """

    case: Case
    ratios: dict[str, Ratio] = field(default_factory=dict)
    seconds: float | None = None
    problem: str = ""


@dataclass
class Report:
    """All rows of a run, and the noise of the machine.

    Attributes:
        libraries: the measured libraries, in the order of the columns.
        uncompiled: why the compiled Clarion was not measured, or "".
    """

    libraries: Sequence[Library]
    uncompiled: str = ""
    rows: list[Row] = field(default_factory=list)
    noise: list[Row] = field(default_factory=list)

    @property
    def same(self) -> list[Ratio]:
        """The ratios of code to itself."""
        return [ratio for row in self.noise for ratio in row.ratios.values()]

    @property
    def bias(self) -> float:
        """The largest median difference between equal code."""
        return max((abs(ratio.median - 1) for ratio in self.same), default=0.0)

    @property
    def is_noisy(self) -> bool:
        """Whether the machine was too noisy for reliable figures."""
        return any(ratio.is_noise for ratio in self.same)

    @property
    def columns(self) -> list[str]:
        """The names of the libraries; both kinds of Clarion come first, even if not measured."""
        ours = [Clarion.name, Pure.name]
        return ours + [each.name for each in self.libraries if each.name not in ours]

    @property
    def judged(self) -> str:
        """The library that the targets apply to: Clarion as it is installed here."""
        return self.libraries[0].name

    def header(self) -> list[str]:
        """Return the headings of the columns."""
        return ["measured", "divided by", "takes", "target", "reached", *self.columns]

    def cells(self, row: Row) -> list[str]:
        """Return one line of the table."""
        return [
            row.case.name,
            row.case.measure,
            duration(row.seconds),
            ABSENT if row.case.target is None else f"{row.case.target:g}",
            self.reached(row, row.ratios.get(self.judged)),
            *(self.figure(name, row.ratios.get(name)) for name in self.columns),
        ]

    def figure(self, name: str, ratio: Ratio | None) -> str:
        """Format the ratio of one library, with quartiles if the targets apply to it."""
        if name == self.judged or ratio is None:
            return spread(ratio)
        return number(ratio.median)

    def reached(self, row: Row, ours: Ratio | None) -> str:
        """Return whether the target is reached, or that the noise hides it."""
        if ours is None or row.case.target is None:
            return ABSENT
        return VERDICTS[ours.reaches(row.case.target, self.bias)]

    def table(self) -> list[list[str]]:
        """Return the headings and all lines."""
        return [self.header(), *(self.cells(row) for row in self.rows)]

    def remarks(self) -> list[str]:
        """Return the remarks below the table."""
        lines = [TOO_NOISY.replace("\n", " ") if self.is_noisy else QUIET]
        if self.uncompiled:
            lines.append(
                f"Clarion is not compiled here: {self.uncompiled}. "
                f"The targets apply to {Pure.name}."
            )
        lines += [f"Noise: {row.case.name}: {spread(ratio)}"
                  for row in self.noise for ratio in row.ratios.values()]  # fmt: skip
        lines += [f"Not measured: {row.case.name}: {row.problem}"
                  for row in self.rows if row.problem]  # fmt: skip
        return lines


def number(value: float) -> str:
    """Format a ratio with three digits."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"


def spread(ratio: Ratio | None) -> str:
    """Format a ratio with its quartiles."""
    if ratio is None:
        return ABSENT
    return f"{number(ratio.median)} [{number(ratio.low)}-{number(ratio.high)}]"


def duration(seconds: float | None) -> str:
    """Format a time in the unit that suits it."""
    if seconds is None:
        return ABSENT
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def facts(libraries: Sequence[Library]) -> list[str]:
    """Return the machine, the interpreter and the versions of a run."""
    peers = [f"{each.name} {each.version}" for each in libraries if not isinstance(each, Clarion)]
    ours = f"{Clarion.name} {libraries[0].version}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return [
        f"{processor()}, {os.cpu_count()} CPUs, {platform.system()}",
        f"{python}, {datetime.now(UTC):%Y-%m-%d}",
        f"{ours} beside {', '.join(peers)}" if peers else ours,
    ]


def processor() -> str:
    """Return the model of the processor, if the system reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def aligned(table: Sequence[Sequence[str]]) -> str:
    """Align a table for the terminal: words to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    words = 2
    lines = [
        "  ".join(
            cell.ljust(width) if place < words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        for cells in table
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def terminal(report: Report) -> str:
    """Return the whole report as text."""
    parts = [aligned(report.table()), "", *report.remarks(), *facts(report.libraries)]
    return "\n".join(parts)


def markdown(report: Report) -> str:
    """Return the whole report as a Markdown document."""
    header, *lines = report.table()
    rule = ["---", "---", *("---:" for _ in header[2:])]
    table = ["| " + " | ".join(cells) + " |" for cells in (header, rule, *lines)]
    trust, *remarks = report.remarks()
    trust = f"**{trust}**" if report.is_noisy else trust
    notes = [f"- {line}" for line in (trust, *facts(report.libraries), *remarks)]
    return "\n".join([MARKDOWN_HEAD, *notes, "", *table, ""])


# The documentation shows the text after the comment.
MARKDOWN_HEAD = """\
# Benchmark results

Written by `make bench`. The [README](README.md) explains how each figure is measured.

![The same figures as a chart](results.svg)

<!-- figures -->
"""
