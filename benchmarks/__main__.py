"""Measure everything and print one table: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import peers, receivers, timing
from benchmarks.bars import bars
from benchmarks.cases import Case, Pair, UnavailableError, every, noise
from benchmarks.chart import chart
from benchmarks.report import Report, Row, markdown, terminal
from clarion.introspect import dispatcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers import Library
    from benchmarks.timing import Effort

# The documentation shows these files.
RESULTS = Path(__file__).with_name("results.md")
CHART = Path(__file__).with_name("results.svg")
BARS = Path(__file__).with_name("summary.svg")


class MiscountError(Exception):
    """A case calls another number of receivers than it declares."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that the command line selects."""
    options = parser().parse_args(arguments)
    cases = [case for case in every() if re.search(options.only, case.name, re.IGNORECASE)]
    if not cases:
        print(f"No case matches {options.only!r}. --list prints all names.", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{case.name} / {case.measure}" for case in cases))
        return 0
    report = measured(cases, timing.SHORT if options.short else timing.FULL)
    print(terminal(report))
    if not (options.short or options.only):
        RESULTS.write_text(markdown(report), encoding="utf-8")
        draw(report)
        names = f"{RESULTS.name}, {CHART.name} and {BARS.name}"
        print(f"Written to {names} in {RESULTS.parent}.")
    return 0


def draw(report: Report) -> None:
    """Write both drawings of a report."""
    CHART.write_text(chart(report), encoding="utf-8")
    BARS.write_text(bars(report), encoding="utf-8")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.epilog = f"Without --short and --only, {RESULTS.name} and its charts are written too."
    made.add_argument("--short", action="store_true", help="less time, less precise figures")
    made.add_argument("--only", default="", metavar="PATTERN", help="cases whose name matches")
    made.add_argument("--list", action="store_true", help="print the names of the cases and exit")
    return made


def measured(cases: Sequence[Case], effort: Effort) -> Report:
    """Measure all cases, and the noise before and after them."""
    report = Report(peers.installed(), dispatcher().reason)
    try:
        report.noise = [measure(case, report.libraries, effort) for case in noise.CASES]
        for number, case in enumerate(cases, 1):
            progress(f"{number}/{len(cases)} {case.name}")
            report.rows.append(measure(case, report.libraries, effort))
        report.noise += [measure(case, report.libraries, effort) for case in noise.CASES]
    finally:
        progress("")
        timing.close_event_loop()
    return report


def measure(case: Case, libraries: Sequence[Library], effort: Effort) -> Row:
    """Check that a case calls its receivers, then time it."""
    if case.slow and effort is timing.SHORT:
        libraries = libraries[:1]
    try:
        check(case, libraries)
        pairs = case.build(libraries)
        return compared(case, pairs, effort)
    except UnavailableError as error:
        return Row(case, problem=str(error))


def check(case: Case, libraries: Sequence[Library]) -> None:
    """Run every part of a case once, with receivers that count.

    Raises:
        MiscountError: if a part calls another number of receivers than the case declares.
    """
    if case.calls is None:
        return
    with receivers.counting() as calls:
        for pair in case.build(libraries):
            for part, run in (("subject", pair.subject), ("baseline", pair.baseline)):
                calls.clear()
                run(1)
                if len(calls) != case.calls:
                    raise MiscountError(
                        f"{case.name}, {pair.library or 'noise'}, {part}: "
                        f"{len(calls)} receivers called instead of {case.calls}."
                    )


def compared(case: Case, pairs: Sequence[Pair], effort: Effort) -> Row:
    """Compare the pairs of a case together, or one by one if a round takes seconds."""
    row = Row(case)
    for group in [[pair] for pair in pairs] if case.slow else [pairs]:
        compare(group, row, effort)
    return row


def compare(pairs: Sequence[Pair], row: Row, effort: Effort) -> None:
    """Time all runs of these pairs in turn, each of them once per round."""
    runs = list(dict.fromkeys(run for pair in pairs for run in (pair.baseline, pair.subject)))
    samples = dict(zip(runs, timing.interleave(runs, effort), strict=True))
    for pair in pairs:
        subject, baseline = samples[pair.subject], samples[pair.baseline]
        row.ratios[pair.library] = timing.ratio(subject, baseline, pair.work)
    if row.seconds is None:
        row.seconds = median(samples[pairs[0].baseline])


def progress(text: str) -> None:
    """Print the progress on a terminal, but not in a log."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
