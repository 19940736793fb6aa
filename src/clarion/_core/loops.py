"""Between sync and async: which loop runs here, a hop to a thread, tasks side by side.

Context variables go along and come back changed, as in Django 6.1: receivers see what
the sender set, and the sender sees what receivers set.
"""

from __future__ import annotations

import sys
from contextvars import Context, copy_context

from clarion.errors import NoLoopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")


def is_loop_running() -> bool:
    """Tell whether an event loop runs in this thread: asyncio's (or uvloop's), or trio's."""
    # While another thread imports asyncio, it is there and has nothing in it yet.
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return (running is not None and running() is not None) or _is_in_trio()


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
        NoLoopError: if none does.
    """
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise NoLoopError(
            "asend() was awaited where no event loop of asyncio runs (under trio, say), and it has "
            "receivers that need one: sync ones, for a thread, or several async ones, for a task "
            "each. Connect sync receivers with inline=True, async ones with different priorities."
        ) from None


class Carried:
    """A function whose outcome is carried from a thread by hand: a future refuses StopIteration."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function: Callable[[], object] | None = function
        self._answers: list[Any] = []
        self._errors: list[BaseException] = []

    def __call__(self) -> None:
        """Call the function, unless it has been cancelled."""
        function = self._function
        if function is None:
            return
        try:
            self._answers.append(function())
        except BaseException as error:  # noqa: BLE001
            self._errors.append(error)

    def cancel(self) -> None:
        """Have the function not called, if it has not been yet."""
        self._function = None

    def result(self) -> Any:
        """Return what the function returned, or raise what it raised."""
        if self._errors:
            raise self._errors.pop()
        return self._answers.pop()


async def hop(function: Callable[[], T]) -> T:
    """Call a function in a worker thread and await its result.

    If the sender is cancelled and the function has begun, its end is awaited all the same:
    a thread cannot be stopped, and nobody is left running.
    """
    import asyncio

    loop = running_loop()
    before = copy_context()
    context = before.copy()
    carried = Carried(function)
    hopped = loop.run_in_executor(None, context.run, carried)
    try:
        await asyncio.wait([hopped])
    except asyncio.CancelledError:
        carried.cancel()
        await _outlast([hopped])
        raise
    finally:
        adopt(context, before)
    answer: T = carried.result()
    return answer


async def _outlast(futures: Sequence[asyncio.Future[Any]]) -> None:
    """Wait until all futures are done, however often the sender is cancelled meanwhile."""
    import asyncio

    cancelled = None
    while left := [future for future in futures if not future.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


async def together(
    coroutines: Sequence[Coroutine[Any, Any, T]], *, robust: bool = False
) -> list[asyncio.Task[T]]:
    """Run coroutines concurrently, each in its own task; return the tasks, all of them done.

    From the first that fails on, the others are cancelled. As `asyncio.TaskGroup`, but
    with eager tasks from Python 3.12 on: what never suspends needs no turn of the loop.

    Args:
        coroutines: what to run.
        robust: whether an `Exception` is no reason to cancel the others.
    """
    before = copy_context()
    context = before.copy()
    tasks: list[asyncio.Task[T]] = []
    try:
        loop = running_loop()
        for coroutine in coroutines:
            tasks.append(_start(coroutine, loop, context))  # noqa: PERF401
        if pending := [task for task in tasks if not task.done()]:
            await _settle(pending, tasks, robust=robust)
    finally:
        # Where no loop runs, none has begun; and a KeyboardInterrupt of an eager task comes
        # out of its start, so that the rest never begins.
        for coroutine in coroutines[len(tasks) :]:
            coroutine.close()
        adopt(context, before)
    return tasks


def _start(
    coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop, context: Context
) -> asyncio.Task[T]:
    if sys.version_info >= (3, 12):
        import asyncio

        return asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)
    return loop.create_task(coroutine, context=context)


async def _settle(
    pending: Sequence[asyncio.Task[T]], tasks: Sequence[asyncio.Task[T]], *, robust: bool
) -> None:
    """Wait until all tasks are done; from the first failure on, by cancelling them."""
    import asyncio

    try:
        while pending and not any(_has_failed(task, robust=robust) for task in tasks):
            _, left = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            pending = list(left)
    finally:
        # Also when the sender itself is cancelled: nobody is left running.
        for task in pending:
            task.cancel()
        await _outlast(pending)


def _has_failed(task: asyncio.Task[Any], *, robust: bool) -> bool:
    if not task.done():
        return False
    if task.cancelled():
        return True
    error = task.exception()
    return error is not None and not (robust and isinstance(error, Exception))


def adopt(context: Context, before: Context) -> None:
    """Set here the context variables that were set in a context since it was copied.

    Those that were not are left alone: others may have set them here meanwhile.
    """
    for variable, value in context.items():
        if before.get(variable, _UNSET) is not value:
            variable.set(value)


_UNSET: Any = object()
