"""Send a signal from inside SQLAlchemy, whose code is sync even below a coroutine.

An AsyncSession runs SQLAlchemy in a greenlet that can await. There async receivers are
awaited one after another, because they may share the session, which does one thing at a time.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.util import concurrency

from clarion._core import loops, slow_path
from clarion._core.instrument import Send
from clarion._core.route import ASYNC, DEFERRED
from clarion._core.tabled import policy_of, table_of
from clarion.errors import RunningLoopError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion._core.signal import Signal


def sender_for(signal: Signal) -> Callable[..., Any]:
    """Return the fastest callable that sends a signal.

    It is valid until this thread enters or leaves an event loop.
    """
    return partial(deliver, signal) if loops.is_loop_running() else signal.send


def deliver(signal: Signal, sender: object, **arguments: Any) -> None:
    """Send a signal, and await its async receivers where that is possible.

    Raises:
        RunningLoopError: if a receiver is async, and an event loop runs in this thread,
            but the session is a sync one. No receiver has been called.
    """
    if not loops.is_loop_running() or table_of(signal).find(sender).is_simple:
        signal.send(sender, **arguments)
    else:
        _run(signal, policy_of(signal).complete_arguments(signal, sender, arguments))


def _run(signal: Signal, arguments: dict[str, Any]) -> None:
    route = table_of(signal).find(arguments["sender"])
    can_await = in_greenlet()
    with Send(signal, arguments, route.instruments) as send:
        audience = route.audience()
        if not can_await:
            _refuse(send, audience)
        for mode, members in audience:
            for member in members:
                if mode is DEFERRED:
                    slow_path._deliver_all(send, [member], robust=False)
                elif mode is not ASYNC:
                    slow_path._call_all(send, [member], robust=False)
                elif ready := list(slow_path._ready(send, [member])):
                    awaited = slow_path._await_all(send, ready, robust=False)
                    send.responses += concurrency.await_only(awaited)


def in_greenlet() -> bool:
    """Return whether SQLAlchemy runs in a greenlet that can await."""
    return "greenlet" in sys.modules and concurrency.in_greenlet()


def _refuse(send: Send, audience: list[tuple[str, slow_path.Members]]) -> None:
    try:
        slow_path._refuse_to_await(send, audience)
    except RunningLoopError as error:
        raise RunningLoopError(
            f"Signal {send.signal.name} was sent by a sync session (or outside one) inside a running "
            f"event loop, where {', '.join(error.receivers)} cannot be awaited. Use an AsyncSession, "
            f"or connect a sync receiver.",
            error.receivers,
        ) from None
