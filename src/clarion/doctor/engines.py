"""Engines of background receivers whose configuration loses calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.background.delivery import BoundEngine, EngineDelivery
from clarion.doctor.finding import Finding
from clarion.outbox.receivers import named_receivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.doctor.program import Program

LOSES, REFUSES = "W006", "E001"


def losing_engines(program: Program) -> Iterator[Finding]:  # noqa: ARG001
    """Yield what the engines of connected receivers lose, each sentence once for each engine.

    An engine logs the same when it is first used. With `durable(via=...)`, it gets no call.
    """
    seen: set[tuple[str, int, str]] = set()
    for receiver in sorted(named_receivers(), key=lambda each: each.name):
        of_engine = receiver.delivery if isinstance(receiver, BoundEngine) else None
        delivery = of_engine or getattr(receiver.options, "via", None)
        registration = receiver.registration()
        if registration is None or not isinstance(delivery, EngineDelivery):
            continue
        code = REFUSES if of_engine is None else LOSES
        for loss in delivery.losses():
            if (said := (code, id(delivery.engine), loss)) not in seen:
                seen.add(said)
                text = loss if of_engine else f"durable(via=...) hands nothing over: {loss}"
                yield Finding.of(code, receiver.name, text, registration.place)
