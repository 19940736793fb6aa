"""The four sends, side by side.

Each completes the arguments, finds the route of the sender and calls the receivers on
it. Where there is nothing to do but to call them, it does so here; the rest is in
`travel.py`. They are functions of the signal, which `signal.py` makes its methods.
"""

from __future__ import annotations

from clarion._core.notes import add_receiver_note, log_receiver_failure
from clarion._core.slow_path import arun, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver


def send(self: Signal, /, sender: object, **kwargs: Any) -> list[tuple[Receiver, Any]]:
    """Send to all receivers of the sender, and return what they answer.

    Async receivers are run to completion on an event loop kept for this thread.

    Args:
        sender: who sends, given by position or by name; None if nobody in particular.
        **kwargs: what the receivers are told.

    Returns:
        `(receiver, answer)` for each receiver called, in the order of the calls. That is
        higher priority first, then sync before async, then order of connection.

    Raises:
        RunningLoopError: if a receiver is async and an event loop, asyncio's or
            trio's, runs in this thread. No receiver has been called.
        Exception: whatever a receiver raises, with a note that names it. The
            receivers after it are not called.

    As `Signal.send` in Django 6.1.
    """
    table = self._table
    arguments = table.policy.complete_arguments(self, sender, kwargs)
    route = table.find_route(sender)
    receivers = route.live() if route.strong_receivers is None else route.strong_receivers
    if receivers is None:
        return run(self, route, arguments, robust=False)
    responses: list[tuple[Receiver, Any]] = []
    try:
        for receiver in receivers:
            responses.append((receiver, receiver(**arguments)))
    except Exception as error:
        add_receiver_note(error, self, receiver)  # pyright: ignore[reportPossiblyUnboundVariable]  # it raised
        raise
    return responses


def send_robust(self: Signal, /, sender: object, **kwargs: Any) -> list[tuple[Receiver, Any]]:
    """Send to all receivers of the sender, whatever any of them raises.

    Args:
        sender: as for `send`.
        **kwargs: as for `send`.

    Returns:
        As `send`; for a receiver that raised an Exception, the exception is its
        answer. It has been logged as an error.

    Raises:
        RunningLoopError: as `send`.

    As `Signal.send_robust` in Django 6.1, and it also works for receivers without
    a `__qualname__`: partials, callable objects.
    """
    table = self._table
    arguments = table.policy.complete_arguments(self, sender, kwargs)
    route = table.find_route(sender)
    receivers = route.live() if route.strong_receivers is None else route.strong_receivers
    if receivers is None:
        return run(self, route, arguments, robust=True)
    responses: list[tuple[Receiver, Any]] = []
    for receiver in receivers:
        try:
            response = receiver(**arguments)
        except Exception as error:  # noqa: BLE001
            log_receiver_failure(self, receiver, error)
            response = error
        responses.append((receiver, response))
    return responses


async def asend(self: Signal, /, sender: object, **kwargs: Any) -> list[tuple[Receiver, Any]]:
    """Send to all receivers of the sender, awaiting those that are async.

    Sync receivers run in a worker thread, one hop for those in a row, unless they
    were connected with `inline=True`. A single async receiver is awaited in the
    sender's own task; several of equal priority run concurrently, each in a task.

    Args:
        sender: as for `send`.
        **kwargs: as for `send`.

    Returns:
        As `send`.

    Raises:
        Exception: as `send`. Async receivers that run beside the one that failed
            are cancelled and awaited first; if several fail, an ExceptionGroup.
        NoLoopError: if it is awaited by another library's event loop, and there are
            receivers that need a thread, or a task each.

    As `Signal.asend` in Django 6.1.
    """
    table = self._table
    arguments = table.policy.complete_arguments(self, sender, kwargs)
    return await arun(self, table.find_route(sender), arguments, robust=False)


async def asend_robust(
    self: Signal, /, sender: object, **kwargs: Any
) -> list[tuple[Receiver, Any]]:
    """Send as `asend` does, whatever any receiver raises.

    Args:
        sender: as for `send`.
        **kwargs: as for `send`.

    Returns:
        As `send_robust`.

    As `Signal.asend_robust` in Django 6.1.
    """
    table = self._table
    arguments = table.policy.complete_arguments(self, sender, kwargs)
    return await arun(self, table.find_route(sender), arguments, robust=True)
