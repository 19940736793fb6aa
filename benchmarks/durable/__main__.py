"""The command line: `python -m benchmarks.durable URL`.

    python -m benchmarks.durable postgresql://root@127.0.0.1/bench
    python -m benchmarks.durable sqlite:////tmp/bench.db --short

The database must be empty. The tables of each contender are dropped at its end.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from argparse import ArgumentParser
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.durable.contender import connect, dialect_of
from benchmarks.durable.contenders import EVERY
from benchmarks.durable.measure import FULL, LONG_BACKLOGS, SHORT, measure
from benchmarks.durable.report import Report, merged, terminal

if TYPE_CHECKING:
    from argparse import Namespace

    from benchmarks.durable.contender import Contender

RESULTS = Path(__file__).parents[1] / "results-durable.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the tables, and store those of a full run."""
    chosen = _parser().parse_args(arguments)
    kinds = _chosen(chosen)
    if not kinds:
        print("No contender has such a name on this database.", file=sys.stderr)
        return 2
    effort = SHORT if chosen.short else FULL
    if chosen.long:
        effort = replace(effort, backlogs=LONG_BACKLOGS)
    begun = os.getloadavg()[0]
    rows = []
    for kind in kinds:
        print(f"{kind.name} ...", file=sys.stderr, flush=True)
        rows.append(measure(kind, chosen.url, effort))
    report = Report(_version(chosen.url), rows, (begun, os.getloadavg()[0]))
    print(terminal(report))
    if not chosen.short and not chosen.only:
        before = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
        RESULTS.write_text(merged(before, report), encoding="utf-8")
        print(f"written to {RESULTS.name}")
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m benchmarks.durable", description=__doc__)
    parser.add_argument("url", help="the URL of an empty database")
    parser.add_argument("--short", action="store_true", help="in less time, less precisely")
    parser.add_argument("--long", action="store_true", help="also with a million rows that wait")
    parser.add_argument("--only", help="only the contenders whose names contain this")
    return parser


def _chosen(chosen: Namespace) -> list[type[Contender]]:
    dialect, wanted = dialect_of(chosen.url), (chosen.only or "").lower()
    return [each for each in EVERY if dialect in each.dialects and wanted in each.name.lower()]


def _version(url: str) -> str:
    if dialect_of(url) == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    with closing(connect(url)) as connection:
        found: str = connection.execute("SHOW server_version").fetchone()[0]
    return f"PostgreSQL {found.partition(' ')[0]}"


if __name__ == "__main__":
    sys.exit(main())
