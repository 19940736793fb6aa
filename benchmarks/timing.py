"""Measure several pieces of code against each other, in turns, and compare by medians.

A machine's speed drifts from second to second, so no figure here is a time: each is the
ratio of two pieces of code that were timed one right after the other, and the median of
that ratio over many short rounds. What is timed is what the processor spends on this
process, so that other programs which take their turn on it do not count.
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

# Runs a piece of code so many times, and returns how many seconds all of them took.
Run = Callable[[int], float]

LOOP = """\
{kind}def timed(times):
    started = clock()
    for _ in repeat(None, times):
{code}
    return clock() - started
"""

# Half the width of the 95 % interval of a median is so many quartile ranges over
# the root of the sample size (McGill, Tukey and Larsen 1978: the notch of a box plot).
NOTCH = 1.57

# A sample of so many executions needs no warming.
LONG = 1000

# A difference between two timings of the same code that makes a run worthless.
TOLERABLE_BIAS = 0.02
TOLERABLE_SPREAD = 0.10


@dataclass(frozen=True)
class Effort:
    """How much time to spend on one case.

    Attributes:
        rounds: in how many rounds each piece of code is timed once.
        fewest: as many rounds are taken even if that takes longer than `patience`.
        sample: how many seconds one timing is to last.
        patience: after so many seconds no further round is begun.
    """

    rounds: int
    fewest: int
    sample: float
    patience: float


FULL = Effort(rounds=400, fewest=3, sample=0.0005, patience=10.0)
SHORT = Effort(rounds=80, fewest=5, sample=0.0005, patience=0.6)

# The clock for what waits for another thread: then waiting is part of the price.
WALL_CLOCK = perf_counter


@dataclass(frozen=True)
class Ratio:
    """How many times as long one piece of code takes as another.

    Attributes:
        median: over the rounds; with the quartiles `low` and `high`.
        rounds: how many there were.
    """

    median: float
    low: float
    high: float
    rounds: int

    @property
    def doubt(self) -> float:
        """By how much the median itself may be off."""
        return NOTCH * (self.high - self.low) / sqrt(self.rounds)

    def reaches(self, target: float, bias: float = 0.0) -> bool | None:
        """Tell whether the target is reached; None if the noise does not let us tell.

        Args:
            target: the highest ratio that is good enough.
            bias: by how much, relatively, equal code was seen to differ in this run.
        """
        margin = self.doubt + bias * target
        if abs(self.median - target) < margin:
            return None
        return self.median < target

    @property
    def is_noise(self) -> bool:
        """Whether, being that of a piece of code to itself, it shows a restless machine."""
        return abs(self.median - 1) > TOLERABLE_BIAS or self.high - self.low > TOLERABLE_SPREAD


def ratio(samples: Sequence[float], baseline: Sequence[float], work: float = 1.0) -> Ratio:
    """Compare two series round by round: the median and the quartiles of their ratios.

    Args:
        samples: the seconds per execution of the one, in the order of the rounds.
        baseline: those of the other.
        work: how many times the work of the other the one does.
    """
    ratios = [one / other / work for one, other in zip(samples, baseline, strict=True)]
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0], 1)
    low, _, high = quantiles(ratios, method="inclusive")
    return Ratio(median(ratios), low, high, len(ratios))


def statement(code: str, **names: object) -> Run:
    """Make a timed loop of a statement; the names are variables of the function around it.

    One of them may be `clock`, if another than the processor's is wanted.
    """
    timed: Run = _timed("", code, names)
    return timed


def coroutine(code: str, **names: object) -> Run:
    """Make a timed loop of a statement that awaits, inside a running event loop."""
    timed: Callable[[int], Coroutine[Any, Any, float]] = _timed("async ", code, names)
    return lambda times: _event_loop().run(timed(times))


def _timed(kind: str, code: str, names: dict[str, object]) -> Any:
    # As timeit does it, but with local variables: a global costs more to look up.
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
    """Close the loop that the coroutines ran in, if there was one."""
    if _event_loop.cache_info().currsize:
        _event_loop().close()
        _event_loop.cache_clear()


def interleave(runs: Sequence[Run], effort: Effort) -> list[list[float]]:
    """Time each run once per round, in turns; return the seconds per execution of each."""
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
    # What ran before has filled the caches with its own; where a sample is so few
    # executions that this shows, one goes ahead uncounted.
    if 1 < times < LONG:
        run(1)
    return run(times) / times


def calibrate(run: Run, sample: float) -> int:
    """Find how many executions last about as long as a sample should; this warms up, too."""
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
