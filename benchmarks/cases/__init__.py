"""What is measured, one module for each topic.

A case names itself, says what it is divided by and what ratio is to be reached, and
builds, for each library that can express it, a pair: what is measured, and the
baseline beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.peers import Library
    from benchmarks.timing import Run


class UnavailableError(Exception):
    """What the case measures is not there; the text says what is missing."""


@dataclass(frozen=True)
class Pair:
    """What one library takes, and what that is divided by.

    Attributes:
        library: its name.
        subject: what it does.
        baseline: what that is compared with.
        work: how many times the work of the baseline the subject does.
    """

    library: str
    subject: Run
    baseline: Run
    work: float = 1.0


Build = Callable[[Sequence[Any]], list[Pair]]


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: what is done.
        measure: what its time is divided by.
        target: the ratio to reach, or None.
        build: makes the pairs, given the libraries.
        calls: how many receivers one execution calls; None if there is nothing to count.
        slow: whether the peers take seconds, so that a short run leaves them out.
    """

    name: str
    measure: str
    target: float | None
    build: Build
    calls: int | None = None
    slow: bool = False


def against(baseline: Run, runs: Iterable[tuple[Library, Run | None]]) -> list[Pair]:
    """Pair each run that there is with one baseline, the same for all."""
    return [Pair(library.name, run, baseline) for library, run in runs if run is not None]


def every() -> list[Case]:
    """Return all cases in the order of the table."""
    from benchmarks.cases import (
        asyncs,
        commits,
        connects,
        django_save,
        imports,
        requests,
        sends,
        sqlalchemy_flush,
    )

    return [
        *sends.CASES,
        *connects.CASES,
        *asyncs.CASES,
        *django_save.CASES,
        *commits.CASES,
        *requests.CASES,
        *sqlalchemy_flush.CASES,
        *imports.CASES,
    ]
