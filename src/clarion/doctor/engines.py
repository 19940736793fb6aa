"""Engines of background receivers whose configuration loses calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.background.delivery import BoundEngine
from clarion.doctor.finding import Finding
from clarion.outbox.receivers import named_receivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.doctor.program import Program

CODE = "W006"


def losing_engines(program: Program) -> Iterator[Finding]:  # noqa: ARG001
    """Yield what the engines of connected receivers lose, each sentence once for each engine.

    An engine logs the same when it is first used.
    """
    seen: set[tuple[int, str]] = set()
    found = [each for each in named_receivers() if isinstance(each, BoundEngine)]
    for receiver in sorted(found, key=lambda each: each.name):
        registration = receiver.registration()
        if registration is None:
            continue
        for loss in receiver.delivery.losses():
            if (said := (id(receiver.delivery.engine), loss)) not in seen:
                seen.add(said)
                yield Finding.of(CODE, receiver.name, loss, registration.place)
