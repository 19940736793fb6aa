"""Send a signal from inside SQLAlchemy, whose code is sync even below a coroutine.

An AsyncSession runs SQLAlchemy in a greenlet that can await. There async receivers are
awaited one after another, because they may share the session, which does one thing at a time.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.util import concurrency

from clarion._core import loops
from clarion._core.slow_path import run
from clarion._core.tabled import table_of
from clarion.errors import RunningLoopError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sqlalchemy.orm import Session

    from clarion._core.signal import Signal

_sending: ContextVar[Session | None] = ContextVar("clarion_sending_session", default=None)


@contextmanager
def sending_for(session: Session) -> Generator[None]:
    """Note which session sends inside the block, because a receiver may expunge the instance."""
    before = _sending.get()
    _sending.set(session)
    try:
        yield
    finally:
        # Not by a token: a greenlet may end the block in another context.
        _sending.set(before)


def sending_session() -> Session | None:
    """Return the session that sends the signals of its objects now, or None."""
    return _sending.get()


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
    table = table_of(signal)
    if not loops.is_loop_running() or table.find_route(sender).is_simple:
        signal.send(sender, **arguments)
        return
    run_coroutine: Any = concurrency.await_only if in_greenlet() else None
    arguments = table.policy.complete_arguments(signal, sender, arguments)
    route = table.find_route(sender)
    run(signal, route, arguments, robust=False, run_coroutine=run_coroutine, refuse=_refuse)


def in_greenlet() -> bool:
    """Return whether SQLAlchemy runs in a greenlet that can await."""
    return "greenlet" in sys.modules and concurrency.in_greenlet()


def _refuse(signal: Signal, receivers: list[str]) -> None:
    raise RunningLoopError(
        f"Signal {signal.name} was sent by a sync session (or outside one) inside a running "
        f"event loop, where {', '.join(receivers)} cannot be awaited. Use an AsyncSession, "
        f"or connect a sync receiver.",
        receivers,
    )
