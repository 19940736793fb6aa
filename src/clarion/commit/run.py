"""Run pending calls after a commit: in order, and a failure stops no other call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from clarion._core import loops
from clarion._core.call import claim
from clarion._core.names import dotted, keyword_name, name_of, signal_name
from clarion._core.notes import add_receiver_note
from clarion._core.tabled import policy_of
from clarion.commit.nesting import enter_call, leave_call
from clarion.commit.outside import may_run
from clarion.errors import RunningLoopError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Hashable, Iterable

    from clarion.commit.pending_call import PendingCall

    # Runs a coroutine to its result where sync code has committed.
    RunCoroutine = Callable[[Coroutine[Any, Any, Any]], Any]

logger = logging.getLogger("clarion")

_INTERRUPTED = "which was interrupted"


def run_calls(calls: Collection[PendingCall], run_coroutine: RunCoroutine | None = None) -> None:
    """Run the calls of a committed transaction, in order.

    Calls of the same key are merged. What a receiver raises is logged and counted, and stops
    no other call.

    Args:
        calls: the calls, in the order in which they were added.
        run_coroutine: a function that awaits a coroutine from this sync code, and returns its
            result. It is given where the caller runs in a coroutine. By default, async receivers
            are run by `Boundary.run_coroutine`.
    """
    try:
        drop_rolled_back(calls)
        for call in calls if len(calls) == 1 else merge_calls(calls):
            if call.scheduled.outcome is None:
                run_call(call, run_coroutine)
    finally:
        abandon_calls(calls, _INTERRUPTED)


async def arun_calls(calls: Collection[PendingCall]) -> None:
    """Run the calls of a committed transaction as `run_calls`, and await async receivers.

    Sync receivers run in a worker thread, unless they were connected with `inline=True`.
    """
    try:
        drop_rolled_back(calls)
        for call in merge_calls(calls):
            if call.scheduled.outcome is None:
                await arun_call(call)
    finally:
        abandon_calls(calls, _INTERRUPTED)


def drop_calls(calls: Iterable[PendingCall]) -> None:
    """Drop the calls of a transaction that was rolled back."""
    for call in calls:
        if call.scheduled.outcome is None:
            call.drop()


def drop_rolled_back(calls: Iterable[PendingCall]) -> None:
    """Drop the calls of savepoints that user code has rolled back."""
    drop_calls([call for call in calls if call.savepoints and call.is_rolled_back()])


def abandon_calls(calls: Iterable[PendingCall], reason: str, *, is_made: bool = True) -> None:
    """Give up the calls that still wait, and log each: their commit was made, or may have been.

    Args:
        calls: the calls; those that have ended are left alone.
        reason: why, as the end of the sentence.
        is_made: whether the commit was made for certain.
    """
    failure = None
    for call in calls:
        if call.scheduled.outcome is None:
            if call.is_written:
                call.finish(None) if is_made else call.abandon()
                continue
            try:
                logger.error(
                    "Receiver %s of signal %s does not run after the commit of %s, %s",
                    name_of(call.receiver),
                    signal_name(call.signal),
                    call.boundary.name,
                    reason,
                )
            except Exception as error:  # noqa: BLE001  # a failing log keeps no call waiting
                failure = error
            call.abandon()
    if failure is not None:
        raise failure


def merge_calls(calls: Iterable[PendingCall]) -> list[PendingCall]:
    """Merge the calls of each key: the last one replaces the first, at its place.

    A call whose key cannot be compared is logged, and not merged.
    """
    merged: list[PendingCall] = []
    places: dict[Hashable, int] = {}
    for call in calls:
        if call.scheduled.outcome == "dropped":
            continue
        if call.key is None or (place := _place(call, places, len(merged))) == len(merged):
            merged.append(call)
        else:
            call.merge(merged[place])
            merged[place] = call
    return merged


def _place(call: PendingCall, places: dict[Hashable, int], new: int) -> int:
    """Return the place of the call with the same key, or the new one."""
    try:
        return places.setdefault(call.key, new)
    except Exception as error:  # noqa: BLE001  # of the key's __eq__ or __hash__
        log_unmerged(call, error)
        return new


def log_unmerged(call: PendingCall, error: Exception) -> None:
    """Log that a call is not merged, because comparing its key has raised an error."""
    # Without the traceback, which may show values.
    logger.error(
        "The coalesce key of receiver %s of signal %s raised %s when it was compared, so this "
        "call is not merged. Coalesce by an id",
        name_of(call.receiver),
        signal_name(call.signal),
        type(error).__qualname__,
    )


def run_call(call: PendingCall, run_coroutine: RunCoroutine | None = None) -> None:
    """Run one call, as `run_calls`."""
    if call.registration.once and _is_spent(call):
        return
    running = enter_call(call)
    try:
        # A hand-over is awaited where that is possible: sync code would block the event loop.
        if call.registration.is_async or (run_coroutine is not None and call.is_awaited):
            coroutine = call.amake()
            response = run_coroutine(coroutine) if run_coroutine else _complete(call, coroutine)
        else:
            response = call.make()
        call.finish(response)
    except BaseException as error:
        if not _fail(call, error):
            raise
    finally:
        leave_call(running)


def run_at_once(call: PendingCall) -> None:
    """Run a call inside the send, because no transaction is open."""
    if may_run(call):
        call.scheduled.is_at_once = True
        run_call(call)


async def arun_call(call: PendingCall) -> None:
    """Run one call, as `arun_calls`."""
    if not call.is_awaited:
        await _arun_sync(call)
        return
    if _is_spent(call):
        return
    running = enter_call(call)
    try:
        call.finish(await call.amake())
    except BaseException as error:
        if not _fail(call, error):
            raise
    finally:
        leave_call(running)


async def _arun_sync(call: PendingCall) -> None:
    if call.registration.inline:
        run_call(call)
        return
    try:
        await policy_of(call.signal).run_in_thread(lambda: run_call(call))
    except Exception as error:  # noqa: BLE001  # no thread is available
        _fail(call, error)


def _complete(call: PendingCall, coroutine: Coroutine[Any, Any, Any]) -> Any:
    if loops.is_loop_running():
        coroutine.close()
        raise RunningLoopError(
            f"{name_of(call.receiver)} cannot be awaited after the commit of {call.boundary.name}, "
            f"because sync code has committed inside a running event loop. Connect a sync receiver.",
            [name_of(call.receiver)],
        )
    return call.boundary.run_coroutine(call, coroutine)


def _is_spent(call: PendingCall) -> bool:
    """Return whether a receiver with `once=True` has had its call; if not, claim it."""
    if claim(call.signal, call.registration):
        return False
    call.drop()
    return True


def _is_contained(error: BaseException) -> bool:
    """Return whether a receiver's exception is only logged, not raised."""
    if isinstance(error, Exception):
        return True
    from asyncio import CancelledError, current_task

    # The receiver's own CancelledError is logged. If this task was cancelled, it is raised.
    if not isinstance(error, CancelledError):
        return False
    try:
        task = current_task()
    except RuntimeError:  # no event loop runs here
        return True
    return task is None or not task.cancelling()


def _fail(call: PendingCall, error: BaseException) -> bool:
    """Log the failure of a call; return whether the exception goes no further."""
    if call.scheduled.outcome is not None:
        return False  # interrupted after its end
    if isinstance(error, Exception):
        add_receiver_note(error, call.signal, call.receiver)
    # Names only: the values may be secret.
    names = ", ".join(
        keyword_name(name) for name in call.arguments if name not in ("sender", "signal")
    )
    logger.error(
        "Receiver %s of signal %s, sent by %s with %s, failed %s",
        name_of(call.receiver),
        signal_name(call.signal),
        _sender_name(call.arguments["sender"]),
        names or "no keywords",
        call.scheduled.when(),
        exc_info=error,
    )
    # After the log: if it is interrupted, the call is logged as abandoned.
    call.fail(error)
    return _is_contained(error)


def _sender_name(sender: object) -> str:
    # An object is named by its class: its repr may be secret.
    if sender is None:
        return "no particular sender"
    return dotted(sender) if isinstance(sender, type) else f"a {dotted(type(sender))}"
