"""Async sends, and sends to async receivers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from benchmarks import receivers
from benchmarks.cases import Case, Pair, against
from benchmarks.cases.sends import KEYWORDS
from benchmarks.receivers import Order
from benchmarks.timing import WALL_CLOCK, Run, coroutine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peers import Library
    from benchmarks.receivers import Receiver

CALL = "(signal=signal, sender=sender, **named)"
AWAIT = f"await receive{CALL}"
IN_TURN = f"[(receive, await receive{CALL}) for receive in receivers]"
GATHER = f"await gather(*[receive{CALL} for receive in receivers])"
TO_THREAD = "await to_thread(receive, signal=signal, sender=sender, **named)"
FAN_OUT = "await fan_out(sender, order_id=1, amount=2)"
EAGER = sys.version_info >= (3, 12)


def by_hand(code: str, **names: object) -> Run:
    """Time an async statement with the arguments of a send."""
    return coroutine(code, signal=object(), sender=Order, named=KEYWORDS, **names)


def awaiting(receive: Receiver) -> Run:
    """Time a bare await of one receiver."""
    return by_hand(AWAIT, receive=receive)


def sending(
    libraries: Sequence[Library], listeners: Sequence[Receiver], baseline: Run, **names: object
) -> list[Pair]:
    """Send to async receivers with each library that supports them."""
    able = [each for each in libraries if each.asend]
    runs = [(each, each.run(each.asend, each.listened(listeners), **names)) for each in able]
    return against(baseline, runs)


def one(libraries: Sequence[Library]) -> list[Pair]:
    """Send to one receiver that does not suspend."""
    (receive,) = listeners = receivers.immediate(1)
    return sending(libraries, listeners, awaiting(receive))


def ten(libraries: Sequence[Library]) -> list[Pair]:
    """Send to ten receivers that do not suspend."""
    listeners = receivers.immediate(10)
    return sending(libraries, listeners, by_hand(IN_TURN, receivers=listeners))


def ten_sleeping(libraries: Sequence[Library]) -> list[Pair]:
    """Send to ten receivers that suspend for one iteration of the loop."""
    import asyncio

    listeners = receivers.sleeping(10)
    baseline = by_hand(GATHER, receivers=listeners, gather=asyncio.gather)
    return sending(libraries, listeners, baseline)


def in_a_thread(libraries: Sequence[Library]) -> list[Pair]:
    """Send to a sync receiver, which runs in another thread."""
    import asyncio

    (receive,) = listeners = receivers.plain(1)
    clock = {"clock": WALL_CLOCK}
    baseline = by_hand(TO_THREAD, receive=receive, to_thread=asyncio.to_thread, **clock)
    able = [each for each in libraries if each.awaits_sync]
    return sending(able, listeners, baseline, **clock)


def inline(libraries: Sequence[Library]) -> list[Pair]:
    """Send to a sync receiver that is called in the loop's thread."""
    (receive,) = receivers.plain(1)
    runs = []
    for each in libraries:
        if each.awaits_sync:
            signal = each.new()
            each.connect_inline(signal, receive)
            runs.append((each, each.run(each.asend, signal)))
    return against(by_hand(FAN_OUT, fan_out=fan_out_to([receive])), runs)


def fan_out_to(listeners: list[Receiver]) -> Callable[..., Any]:
    """Make the coroutine function of hand-written code."""
    signal = object()

    async def fan_out(sender: object, **named: Any) -> list[tuple[Receiver, Any]]:
        return [(receive, receive(signal=signal, sender=sender, **named)) for receive in listeners]

    return fan_out


def without_a_loop(libraries: Sequence[Library]) -> list[Pair]:
    """Send to an async receiver while no loop runs."""
    (receive,) = listeners = receivers.immediate(1)
    able = [each for each in libraries if each.sends_to_async]
    runs = [(each, each.run(each.send, each.listened(listeners))) for each in able]
    return against(awaiting(receive), runs)


CASES = [
    Case("asend, 1 async receiver that does not suspend", "awaiting it", 1.5, one, calls=1),
    Case("asend, 10 async receivers that do not suspend", "awaiting each in turn",
         4.5 if EAGER else None, ten, calls=10),
    Case("asend, 10 async receivers that sleep 0", "asyncio.gather", 1.0, ten_sleeping, calls=10),
    Case("asend, 1 sync receiver", "asyncio.to_thread", 1.1, in_a_thread, calls=1),
    Case("asend, 1 inline sync receiver", "hand loop in a coroutine", 1.5, inline, calls=1),
    Case("send, 1 async receiver, no loop running", "awaiting it in a loop", 10.0,
         without_a_loop, calls=1),
]  # fmt: skip
