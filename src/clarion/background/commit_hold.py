"""How long one commit may wait for an engine, for all of its calls together."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from clarion.errors import HandOverError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clarion.background.handover import PendingHandOver


class _Spent(NamedTuple):
    """How long calls of one commit have waited in vain.

    Attributes:
        seconds: the sum of the waits.
        until: when the last wait ended, by `time.monotonic`.
    """

    seconds: float
    until: float


spent: ContextVar[Mapping[tuple[int, str], _Spent] | None] = ContextVar(
    "clarion_spent_hold", default=None
)
"""How long calls have waited in vain, by the engine and the boundary; None if none has.

A call that was sent before the last wait ended waits for the same commit.
"""


def _key(call: PendingHandOver) -> tuple[int, str]:
    return id(call.delivery.engine), call.scheduled.boundary


def time_left(call: PendingHandOver) -> float:
    """Return how long the commit of a call may still wait for the engine, in seconds.

    Raises:
        HandOverError: if other calls of this commit have waited so long in vain already.
    """
    hold = call.delivery.hold
    if (known := spent.get()) is None:
        return hold
    if (found := known.get(_key(call))) is None or found.until < call.sent_at:
        return hold
    if found.seconds < hold:
        return hold - found.seconds
    raise HandOverError(
        f"{call.delivery.engine.name} does not get a call of {call.handed.receiver}, because this commit has "
        f"waited {hold:g} s for other calls that were not confirmed. See whether its broker answers; hold= "
        f"of the delivery sets the time.",
        call.handed.receiver,
    )


def spend(call: PendingHandOver, began: float) -> None:
    """Note that the commit of a call has waited in vain.

    Args:
        call: the call, which the engine has not confirmed.
        began: when the wait began, by `time.monotonic`.
    """
    now = time.monotonic()
    earlier = call.delivery.hold - _left(call)
    spent.set({**(spent.get() or {}), _key(call): _Spent(earlier + now - began, now)})


def _left(call: PendingHandOver) -> float:
    try:
        return time_left(call)
    except HandOverError:
        return 0.0
