"""The four sends, which `signal.py` makes methods of `Signal`.

Each completes the arguments, finds the route of the sender and calls its receivers. This
module is the fast path, for routes that only call their receivers; `slow_path.py` has the
rest.
"""

# These functions are methods of Signal, so they read its table.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from clarion._core.notes import add_receiver_note, log_receiver_failure
from clarion._core.slow_path import arun, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver


def send(self: Signal, /, sender: object, **named: Any) -> list[tuple[Receiver, Any]]:
    """Call all receivers of the sender, and return their responses.

    Async receivers are run to completion on an event loop of this thread.

    Args:
        sender: the sender, by position or by name; None for no particular one.
        **named: the keywords that the receivers are called with.

    Returns:
        `(receiver, response)` for each receiver called, in the order of the calls. That is
        higher priority first, then sync before async, then order of connection.

    Raises:
        RunningLoopError: if a receiver is async and an event loop of asyncio or trio runs
            in this thread. No receiver has been called.
        Exception: any exception of a receiver, with a note that names the receiver. The
            receivers after it are not called.

    As `Signal.send` in Django 6.1.
    """
    table = self._table
    arguments = table.policy.complete_arguments(self, sender, named)
    route = table.find_route(sender)
    receivers: Sequence[Receiver] | None = route.strong_receivers
    if receivers is None and route.is_simple:
        receivers = route.live()
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


def send_robust(self: Signal, /, sender: object, **named: Any) -> list[tuple[Receiver, Any]]:
    """Call all receivers of the sender, even if one raises an exception.

    Args:
        sender: as for `send`.
        **named: as for `send`.

    Returns:
        As `send`; the response of a receiver that raised an Exception is the exception,
        which is logged as an error.

    Raises:
        RunningLoopError: as `send`.

    As `Signal.send_robust` in Django 6.1, and it also works for receivers without
    a `__qualname__`: partials, callable objects.
    """
    table = self._table
    arguments = table.policy.complete_arguments(self, sender, named)
    route = table.find_route(sender)
    receivers: Sequence[Receiver] | None = route.strong_receivers
    if receivers is None and route.is_simple:
        receivers = route.live()
    if receivers is None:
        return run(self, route, arguments, robust=True)
    responses: list[tuple[Receiver, Any]] = []
    try:
        for receiver in receivers:
            try:
                responses.append((receiver, receiver(**arguments)))
            except Exception as error:  # noqa: BLE001
                log_receiver_failure(self, receiver, error)
                responses.append((receiver, error))
        return responses
    finally:
        del responses  # an error among them holds this frame


async def asend(self: Signal, /, sender: object, **named: Any) -> list[tuple[Receiver, Any]]:
    """Call all receivers of the sender, and await those that are async.

    Sync receivers run in a worker thread, those in a row together, unless they were
    connected with `inline=True`. A single async receiver is awaited in the sender's task;
    several of equal priority run concurrently, each in a task.

    Args:
        sender: as for `send`.
        **named: as for `send`.

    Returns:
        As `send`.

    Raises:
        Exception: as `send`. Async receivers that run concurrently with the one that failed
            are cancelled and awaited first; if several fail, an ExceptionGroup.
        NoLoopError: if another library's event loop awaits it, and receivers need a thread
            or tasks.

    As `Signal.asend` in Django 6.1.
    """
    table = self._table
    arguments = table.policy.complete_arguments(self, sender, named)
    return await arun(self, table.find_route(sender), arguments, robust=False)


async def asend_robust(self: Signal, /, sender: object, **named: Any) -> list[tuple[Receiver, Any]]:
    """Send as `asend`, even if a receiver raises an exception.

    Args:
        sender: as for `send`.
        **named: as for `send`.

    Returns:
        As `send_robust`.

    As `Signal.asend_robust` in Django 6.1.
    """
    table = self._table
    arguments = table.policy.complete_arguments(self, sender, named)
    return await arun(self, table.find_route(sender), arguments, robust=True)
