"""The measured cases, one module per topic.

A case has a name, the name of its baseline and a target ratio. For each library that can
express it, the case builds a pair: the measured code and its baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.peers import Library
    from benchmarks.timing import Run


class UnavailableError(Exception):
    """The case cannot be measured here; the text names the missing part."""


@dataclass(frozen=True)
class Pair:
    """The measured code of one library, and its baseline.

    Attributes:
        library: the library's name.
        subject: the measured code.
        baseline: the code to compare with.
        work: the work of the subject, in units of the baseline's.
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
        name: the measured action.
        measure: the baseline, by whose time it is divided.
        target: the ratio to reach, or None.
        build: makes the pairs for the given libraries.
        calls: the number of receivers that one execution calls; None if it is not counted.
        slow: whether the peers take seconds, so that a short run skips them.
    """

    name: str
    measure: str
    target: float | None
    build: Build
    calls: int | None = None
    slow: bool = False


def against(baseline: Run, runs: Iterable[tuple[Library, Run | None]]) -> list[Pair]:
    """Pair each available run with the same baseline."""
    return [Pair(library.name, run, baseline) for library, run in runs if run is not None]


def every() -> list[Case]:
    """Return all cases in the order of the table."""
    from benchmarks.cases import (
        asyncs,
        background,
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
        *background.CASES,
        *commits.CASES,
        *requests.CASES,
        *sqlalchemy_flush.CASES,
        *imports.CASES,
    ]
