"""The measurements of one contender: what a send costs, how fast and how soon it is delivered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.durable.contender import KEYS
from benchmarks.durable.process import FailedError, Process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.durable.contender import Contender

COUNTS = (0, 1, 3, 10)
PATIENCE = 15.0  # seconds, for a delivery


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        sends: transactions for each number of receivers.
        seconds: how long one drain is to take.
        fewest: the fewest deliveries of one drain.
        rows: the most.
        runs: how often a drain is repeated; the fastest counts.
        numbers: deliveries whose latency is measured.
        backlogs: the backlogs whose rates are compared; none unless `--long` is given.
    """

    sends: int
    seconds: float
    fewest: int
    rows: int
    runs: int
    numbers: int
    backlogs: Sequence[int] = ()


SHORT = Effort(sends=100, seconds=0.3, fewest=200, rows=4_000, runs=1, numbers=20)
FULL = Effort(sends=500, seconds=1.0, fewest=300, rows=20_000, runs=3, numbers=200)
LONG_BACKLOGS = (60_000, 1_000_000)


@dataclass
class Row:
    """What was found for one contender.

    Attributes:
        title: its name and version.
        publish: the seconds of a transaction for each of `COUNTS`.
        rates: deliveries a second by workers and whether they have keys.
        latency: the median and the 99th percentile, in seconds.
        backlog: deliveries a second for each backlog.
        problem: why it is not measured.
    """

    title: str
    publish: list[float | None] = field(default_factory=list)
    rates: dict[tuple[int, bool], float] = field(default_factory=dict)
    latency: tuple[float, float] | None = None
    backlog: dict[int, float] = field(default_factory=dict)
    problem: str = ""


def measure(kind: type[Contender], url: str, effort: Effort) -> Row:
    """Measure one contender on one database."""
    if missing := kind.missing():
        return Row(kind.name, problem=f"{missing} is not installed")
    row = Row(kind.title())
    first: Process | None = None
    try:
        first = Process(kind, url)
        first.run("create")
        _measure(row, kind, first, url, effort)
        first.run("drop")
    except FailedError as error:
        row.problem = str(error)
    finally:
        if first is not None:
            first.end()
    return row


def _measure(row: Row, kind: type[Contender], first: Process, url: str, effort: Effort) -> None:
    if kind.publishes:
        row.publish = first.run("publish", counts=COUNTS, sends=effort.sends)
    if not kind.drains:
        return
    first.run("create")  # without the deliveries that were published
    second = Process(kind, url)
    try:
        for keyed in (False, True)[: 1 + kind.has_keys]:
            rows = _enough(first, effort, keyed=keyed)
            for workers in ([first], [first, second]):
                rates = [_rate(workers, rows, keyed=keyed) for _ in range(effort.runs)]
                row.rates[len(workers), keyed] = max(rates)
        for backlog in effort.backlogs if kind.keeps_backlog else ():
            row.backlog[backlog] = _rate([first], backlog, keyed=False)
        if kind.serves:
            row.latency = _latency(second, first, effort.numbers)
    finally:
        second.end()


def _enough(process: Process, effort: Effort, *, keyed: bool) -> int:
    """Return how many deliveries take the wanted time, about.

    The start of a drain takes most of the time of a few deliveries, so their rate says little. The
    number grows until it is about that of the wanted time.
    """
    rows = 10 * KEYS
    _rate([process], rows, keyed=keyed)  # imports, prepared statements, caches
    while True:
        rate = _rate([process], rows, keyed=keyed)
        wanted = min(effort.rows, max(effort.fewest, int(rate * effort.seconds)))
        if wanted <= 2 * rows:
            return max(wanted // KEYS, 1) * KEYS
        rows = wanted // KEYS * KEYS


def _rate(workers: Sequence[Process], rows: int, *, keyed: bool) -> float:
    """Return the deliveries a second of some workers at a time."""
    workers[0].run("fill", rows=rows, keyed=keyed)
    begun = perf_counter()
    for each in workers:
        each.begin("drain", keyed=keyed)
    for each in workers:
        each.answer()
    return rows / (perf_counter() - begun)


def _latency(server: Process, sender: Process, numbers: int) -> tuple[float, float]:
    """Return the median and the 99th percentile from the end of a commit to the receiver."""
    server.run("serve")
    time.sleep(1.0)  # it connects, and finds nothing
    warm = 5
    sent: list[int] = sender.run("send", numbers=numbers + warm, pause=0.05)
    seen: dict[int, int] = {}
    until = perf_counter() + PATIENCE
    while len(seen) < len(sent) and perf_counter() < until:
        time.sleep(0.1)
        seen = dict(server.run("seen"))
    if len(seen) < len(sent):
        raise FailedError(f"{len(sent) - len(seen)} deliveries did not arrive")
    waits = sorted((seen[number] - sent[number]) / 1e9 for number in range(warm, len(sent)))
    return waits[len(waits) // 2], waits[min(len(waits) - 1, len(waits) * 99 // 100)]
