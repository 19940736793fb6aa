"""The report of a run: tables for the terminal, and the same as Markdown."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.durable.measure import COUNTS
from benchmarks.report import aligned, processor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.durable.measure import Row

    Table = list[list[str]]

DASH = "-"
HEAD = """\
# Benchmark results of durable receivers

Written by `make bench-durable`. The [README](README.md) explains how each figure is measured.
Compare figures of one database only.
"""


class Report:
    """What was found on one database.

    Args:
        database: its name and version.
        rows: the contenders.
        loads: the load of the machine at the begin and at the end.
    """

    def __init__(self, database: str, rows: Sequence[Row], loads: tuple[float, float]) -> None:
        self.database = database
        self.rows = rows
        self._loads = loads

    def facts(self) -> list[str]:
        """Return the machine, the versions, and what was left out."""
        python = f"{platform.python_implementation()} {platform.python_version()}"
        lines = [
            f"{processor()}, {os.cpu_count()} CPUs, {platform.system()}",
            f"{python}, {self.database}, {datetime.now(UTC):%Y-%m-%d}",
            "Load of the machine: {:.1f} at the begin, {:.1f} at the end".format(*self._loads),
        ]
        if max(self._loads) > (os.cpu_count() or 1):
            lines.insert(0, "**The machine was busy. Compare figures within a row only.**")
        return lines + [
            f"{row.title} is left out: {row.problem}." for row in self.rows if row.problem
        ]

    def tables(self) -> list[tuple[str, Table]]:
        """Return the tables with their titles; the first line of each is its header."""
        found = [
            ("A transaction that inserts one row, and sends to durable receivers", self._publish()),
            ("Deliveries a second to a receiver that does nothing", self._rates()),
            ("From the end of the commit to the receiver, in another process", self._latency()),
            ("Deliveries a second of one worker, by the backlog", self._backlog()),
        ]
        return [(title, table) for title, table in found if len(table) > 1]

    def _publish(self) -> Table:
        rows = [row for row in self.rows if row.publish]
        header = ["by", "no send", *(f"to {count}" for count in COUNTS[1:])]
        return [
            header,
            *([row.title, *(_cost(each, row.publish[0]) for each in row.publish)] for row in rows),
        ]

    def _rates(self) -> Table:
        columns = [(1, False), (2, False), (1, True), (2, True)]
        header = ["by", "1 worker", "2 workers", "1 worker, 10 keys", "2 workers, 10 keys"]
        found = [row for row in self.rows if row.rates]
        return [
            header,
            *([row.title, *(_rate(row.rates.get(c)) for c in columns)] for row in found),
        ]

    def _latency(self) -> Table:
        found = [(row.title, row.latency) for row in self.rows if row.latency is not None]
        lines = [[title, *(f"{each * 1e3:,.1f} ms" for each in waits)] for title, waits in found]
        return [["by", "p50", "p99"], *lines]

    def _backlog(self) -> Table:
        rows = [row for row in self.rows if row.backlog]
        sizes = list(rows[0].backlog) if rows else []
        lines = [[row.title, *(_rate(row.backlog.get(size)) for size in sizes)] for row in rows]
        return [["by", *(f"{size:,} rows" for size in sizes)], *lines]


def _cost(seconds: float | None, base: float | None) -> str:
    if seconds is None:
        return DASH
    ratio = f" ({seconds / base:.2f})" if base else ""
    return f"{seconds * 1e6:,.0f} us{ratio}"


def _rate(rate: float | None) -> str:
    return DASH if rate is None else f"{rate:,.0f}"


def terminal(report: Report) -> str:
    """Return a report as text."""
    parts = [f"{title}\n\n{aligned(table)}\n" for title, table in report.tables()]
    return "\n".join([*parts, *report.facts()])


def section(report: Report) -> str:
    """Return a report as a section of a Markdown document."""
    parts = [f"## {report.database}\n", *(f"- {line}" for line in report.facts()), ""]
    for title, (header, *lines) in report.tables():
        rule = ["---", *("---:" for _ in header[1:])]
        table = ["| " + " | ".join(cells) + " |" for cells in (header, rule, *lines)]
        parts += [f"{title}:\n", *table, ""]
    return "\n".join(parts)


def merged(document: str, new: Report) -> str:
    """Return the document with the section of this kind of database replaced, or added."""
    kind = new.database.partition(" ")[0]
    parts = document.partition("\n## ")
    sections = [each.rstrip() for each in parts[2].split("\n## ")] if parts[1] else []
    kept = [f"## {each}\n" for each in sections if each.partition(" ")[0] != kind]
    return "\n".join([HEAD, *sorted([*kept, section(new)])])
