"""Measure several pieces of code in turn, and compare their medians.

A machine's speed drifts from second to second, so no figure here is a time. Each is the ratio
of two pieces of code that were timed one after the other: the median of that ratio over many
short rounds. The clock is the processor time of this process, so other programs do not count.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from math import sqrt
from statistics import median, quantiles
from textwrap import indent
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# Runs a piece of code the given number of times, and returns the seconds that this took.
Run = Callable[[int], float]

LOOP = """\
{kind}def timed(times):
    started = clock()
    for _ in repeat(None, times):
{code}
    return clock() - started
"""

# Half the width of the 95 % interval of a median, in quartile ranges divided by the root
# of the sample size: the notch of a box plot. Source: McGill, Tukey and Larsen 1978.
NOTCH = 1.57

# A sample with this many executions needs no warm-up.
LONG = 1000

# Larger differences between two timings of the same code make a run worthless.
TOLERABLE_BIAS = 0.02
TOLERABLE_SPREAD = 0.10


@dataclass(frozen=True)
class Effort:
    """How much time to spend on one case.

    Attributes:
        rounds: the number of rounds; each times every piece of code once.
        fewest: the minimum of rounds, even if they take longer than `patience`.
        sample: how many seconds one timing should last.
        patience: after this many seconds, no further round begins.
    """

    rounds: int
    fewest: int
    sample: float
    patience: float


FULL = Effort(rounds=400, fewest=3, sample=0.0005, patience=10.0)
SHORT = Effort(rounds=80, fewest=5, sample=0.0005, patience=0.6)

# The clock for code that waits for another thread, because waiting is part of its cost.
WALL_CLOCK = perf_counter


@dataclass(frozen=True)
class Ratio:
    """The ratio of the times of two pieces of code.

    Attributes:
        median: over the rounds; with the quartiles `low` and `high`.
        rounds: the number of rounds.
    """

    median: float
    low: float
    high: float
    rounds: int

    @property
    def doubt(self) -> float:
        """The uncertainty of the median."""
        return NOTCH * (self.high - self.low) / sqrt(self.rounds)

    def reaches(self, target: float, bias: float = 0.0) -> bool | None:
        """Return whether the target is reached; None if the noise hides it.

        Args:
            target: the highest ratio that is good enough.
            bias: the relative difference between equal code in this run.
        """
        margin = self.doubt + bias * target
        if abs(self.median - target) < margin:
            return None
        return self.median < target

    @property
    def is_noise(self) -> bool:
        """Whether this ratio of a piece of code to itself shows a noisy machine."""
        return abs(self.median - 1) > TOLERABLE_BIAS or self.high - self.low > TOLERABLE_SPREAD


def ratio(samples: Sequence[float], baseline: Sequence[float], work: float = 1.0) -> Ratio:
    """Compare two series round by round: the median and the quartiles of their ratios.

    Args:
        samples: the seconds per execution of the subject, in the order of the rounds.
        baseline: the seconds per execution of the baseline.
        work: the work of the subject, in units of the baseline's.
    """
    ratios = [one / other / work for one, other in zip(samples, baseline, strict=True)]
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0], 1)
    low, _, high = quantiles(ratios, method="inclusive")
    return Ratio(median(ratios), low, high, len(ratios))


def statement(code: str, **names: object) -> Run:
    """Make a timed loop of a statement; the names are variables of the enclosing function.

    The name `clock` replaces the processor's clock.
    """
    timed: Run = _timed("", code, names)
    return timed


def coroutine(code: str, **names: object) -> Run:
    """Make a timed loop of a statement that awaits, inside a running event loop."""
    timed: Callable[[int], Coroutine[Any, Any, float]] = _timed("async ", code, names)
    return lambda times: _event_loop().run(timed(times))


def _timed(kind: str, code: str, names: dict[str, object]) -> Any:
    # As in timeit, but with local variables, because looking up a global takes longer.
    inner = indent(LOOP.format(kind=kind, code=indent(code, " " * 8)), "    ")
    names = {"clock": process_time, "repeat": repeat, **names}
    source = f"def outer({', '.join(names)}):\n{inner}\n    return timed"
    namespace: dict[str, Any] = {}
    exec(compile(source, f"<{code}>", "exec"), namespace)
    return namespace["outer"](**names)


@cache
def _event_loop() -> asyncio.Runner:
    return asyncio.Runner()


def close_event_loop() -> None:
    """Close the event loop of the coroutines, if one was created."""
    if _event_loop.cache_info().currsize:
        _event_loop().close()
        _event_loop.cache_clear()


def interleave(runs: Sequence[Run], effort: Effort) -> list[list[float]]:
    """Time each run once per round, in turn; return the seconds per execution of each."""
    with _no_garbage_collection():
        times = [calibrate(run, effort.sample) for run in runs]
        samples: list[list[float]] = [[] for _ in runs]
        deadline = perf_counter() + effort.patience
        for number in range(effort.rounds):
            if number >= effort.fewest and perf_counter() > deadline:
                break
            for run, count, taken in zip(runs, times, samples, strict=True):
                taken.append(_sample(run, count))
        return samples


def _sample(run: Run, times: int) -> float:
    # The previous run has filled the caches. If a sample has few executions, this matters, so
    # one uncounted execution comes first.
    if 1 < times < LONG:
        run(1)
    return run(times) / times


def calibrate(run: Run, sample: float) -> int:
    """Return the number of executions that fills a sample; this warms up too."""
    times = 1
    while (seconds := run(times)) < sample / 2:
        times = max(times * 2, min(times * 100, int(times * sample / max(seconds, 1e-9))))
    return max(1, round(times * sample / seconds))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
