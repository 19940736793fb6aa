"""Engines of background receivers that lose calls as they are configured, or can take none."""

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
    """Yield what the engines of connected receivers lose or lack, each sentence once for each engine.

    An engine logs what it loses when it is first used. With `durable(via=...)`, it gets no call then.
    """
    seen: set[tuple[str, int, str]] = set()
    for receiver in sorted(named_receivers(), key=lambda each: each.name):
        of_engine = receiver.delivery if isinstance(receiver, BoundEngine) else None
        delivery = of_engine or getattr(receiver.options, "via", None)
        registration = receiver.registration()
        if registration is None or not isinstance(delivery, EngineDelivery):
            continue
        losing = REFUSES if of_engine is None else LOSES
        found = [(LOSES, each) for each in delivery.engine.missing()]
        for code, problem in [*found, *((losing, each) for each in delivery.losses())]:
            if (said := (code, id(delivery.engine), problem)) not in seen:
                seen.add(said)
                text = problem if of_engine else f"durable(via=...) hands nothing over: {problem}"
                yield Finding.of(code, receiver.name, text, registration.place)
