"""Sync and async: the running event loop, worker threads, concurrent tasks.

Context variables are copied to the thread or task, and copied back. As in Django 6.1,
receivers see the values of the sender, and the sender sees values that receivers set.
"""

from __future__ import annotations

import sys
from collections import deque
from contextlib import suppress
from contextvars import Context, copy_context

from clarion.errors import NoLoopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")


def is_loop_running() -> bool:
    """Return whether an event loop of asyncio, uvloop or trio runs in this thread."""
    modules = sys.modules
    if "asyncio" in modules:
        # While another thread imports asyncio, the module exists and is empty.
        running = getattr(modules["asyncio"], "_get_running_loop", None)
        if running is not None and running() is not None:
            return True
    return "trio" in modules and _is_in_trio()


def _is_in_trio() -> bool:
    current = getattr(sys.modules.get("trio.lowlevel"), "current_task", None)
    if current is None:
        return False
    try:
        current()
    except RuntimeError:
        return False
    return True


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of asyncio that runs in this thread.

    Raises:
        NoLoopError: if no such loop runs.
    """
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise NoLoopError(
            "asend() was awaited where no event loop of asyncio runs, and its receivers need one: "
            "sync receivers for a thread, several async ones for tasks. "
            "Connect sync receivers with inline=True, async ones with different priorities."
        ) from None


class Outcome:
    """A function for a thread, with its result or error; a future refuses StopIteration."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._results: list[Any] = []
        self._errors: list[BaseException] = []

    def __call__(self) -> None:
        """Call the function."""
        try:
            self._results.append(self._function())
        except BaseException as error:  # noqa: BLE001
            self._errors.append(error)

    def result(self) -> Any:
        """Return what the function returned, or raise what it raised."""
        if self._errors:
            raise self._errors.pop()
        return self._results.pop()

    def forget(self) -> None:
        """Forget the result and the error, which holds frames that hold this object."""
        self._results.clear()
        self._errors.clear()


class ThreadCall(Outcome):
    """A function that a worker thread calls, and that a cancelled sender waits for."""

    def __init__(self, function: Callable[[], object], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(function)
        self._loop = loop
        self._undecided = deque((None,))  # empty once one of both sides has decided
        self._is_over = False
        self._waiter: asyncio.Future[None] | None = None

    def __call__(self) -> None:
        """Call the function, unless the sender was cancelled first."""
        if not self._decide():
            return
        super().__call__()
        # `prevent_or_wait` reads both in the opposite order.
        self._is_over = True
        if self._waiter is not None:
            self._loop.call_soon_threadsafe(self._wake)

    async def prevent_or_wait(self) -> None:
        """Prevent the call if it has not begun; otherwise wait until it has ended."""
        from asyncio import CancelledError

        if self._decide():
            return
        while not self._is_over:
            self._waiter = self._loop.create_future()
            if not self._is_over:
                with suppress(CancelledError):  # the sender was cancelled again
                    await self._waiter

    def _decide(self) -> bool:
        try:
            self._undecided.pop()
        except IndexError:
            return False
        return True

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def run_in_thread(function: Callable[[], T]) -> T:
    """Call a function in a worker thread and await its result.

    If the sender is cancelled, a function that has not begun is not called. If it has begun,
    the sender waits for it, because a thread cannot be stopped.
    """
    loop = running_loop()
    before = copy_context()
    context = before.copy()
    thread_call = ThreadCall(function, loop)
    future = loop.run_in_executor(None, context.run, thread_call)
    try:
        await future
    finally:
        if not future.done() or future.cancelled():
            await thread_call.prevent_or_wait()
            thread_call.forget()
        copy_context_back(context, before)
    result: T = thread_call.result()
    return result


async def gather(
    coroutines: Sequence[Coroutine[Any, Any, T]],
    *,
    robust: bool = False,
    log_lost: Callable[[int, Exception], None] | None = None,
) -> list[asyncio.Task[T]]:
    """Run coroutines concurrently, each in a task; return the tasks when all are done.

    The first failure cancels the others. As `asyncio.TaskGroup`, but with eager tasks from
    Python 3.12 on: a coroutine that never suspends needs no iteration of the loop.

    Args:
        coroutines: the coroutines to run.
        robust: whether an `Exception` leaves the others running.
        log_lost: called with the place and the error of each coroutine that has failed, if this
            function raises and so does not return the tasks.
    """
    before = copy_context()
    context = before.copy()
    tasks: list[asyncio.Task[T]] = []
    try:
        start_tasks(coroutines, tasks, context)
        await _settle(tasks, robust=robust)
    except BaseException:
        if log_lost is not None:
            _log_failures(tasks, log_lost)
        raise
    else:
        return tasks
    finally:
        # Some coroutines have no task if no loop runs, or if an eager task raised a
        # KeyboardInterrupt while it was started.
        for coroutine in coroutines[len(tasks) :]:
            coroutine.close()
        copy_context_back(context, before)
        del tasks  # the errors of eager tasks hold this frame


def _log_failures(
    tasks: Sequence[asyncio.Task[Any]], log_lost: Callable[[int, Exception], None]
) -> None:
    for place, task in enumerate(tasks):
        error = task.exception() if task.done() and not task.cancelled() else None
        if isinstance(error, Exception):
            log_lost(place, error)
        del error, task  # the error holds this frame


def start_tasks(
    coroutines: Sequence[Coroutine[Any, Any, T]], tasks: list[asyncio.Task[T]], context: Context
) -> None:
    """Start a task for each coroutine, and add each started one to `tasks`."""
    from asyncio import Task

    loop = running_loop()
    try:
        for coroutine in coroutines:
            if sys.version_info >= (3, 12):
                tasks.append(Task(coroutine, loop=loop, context=context, eager_start=True))
            else:
                tasks.append(Task(coroutine, loop=loop, context=context))
    finally:
        del tasks  # the errors of eager tasks hold this frame


async def _settle(tasks: Sequence[asyncio.Task[T]], *, robust: bool) -> None:
    """Wait until all tasks are done; cancel them after the first failure."""
    pending = [task for task in tasks if not task.done()]
    if not pending:
        return
    try:
        is_new = len(pending) == len(tasks)
        if is_new or not any(_has_failed(task, robust=robust) for task in tasks if task.done()):
            await _first_failure(pending, robust=robust)
    finally:
        # Also if the sender is cancelled, so that no task is left running.
        left = [task for task in pending if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await wait_for_all(left)


async def _first_failure(pending: Sequence[asyncio.Task[Any]], *, robust: bool) -> None:
    """Wait until a task fails, or until all are done."""
    finished = running_loop().create_future()
    count = len(pending)

    def count_down(task: asyncio.Task[Any]) -> None:
        nonlocal count
        count -= 1
        if (not count or _has_failed(task, robust=robust)) and not finished.done():
            finished.set_result(None)

    for task in pending:
        task.add_done_callback(count_down)
    await finished


async def wait_for_all(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait until all tasks are done, even if the sender is cancelled meanwhile."""
    import asyncio

    cancelled = None
    while left := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        try:
            raise cancelled
        finally:
            del cancelled  # it holds this frame


def _has_failed(task: asyncio.Task[Any], *, robust: bool) -> bool:
    """Return whether a finished task is a reason to cancel the others."""
    if task.cancelled():
        return True
    error = task.exception()
    return error is not None and not (robust and isinstance(error, Exception))


def copy_context_back(context: Context, before: Context) -> None:
    """Set in this context the variables that a copied context has changed.

    Other variables keep their values, which other code may have set in the meantime.
    """
    for variable, value in context.items():
        if before.get(variable, _UNSET) is not value:
            variable.set(value)


_UNSET: Any = object()
