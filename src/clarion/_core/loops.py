"""Between sync and async: a thread hop, several awaited together, a loop for those without.

Context variables go along and come back changed, as in Django 6.1: receivers see what
the sender set, and the sender sees what receivers set.
"""

from __future__ import annotations

import atexit
import os
import sys
from _thread import _local
from contextvars import Context, copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")


def is_loop_running() -> bool:
    """Tell whether an event loop runs in this thread."""
    # While another thread imports asyncio, it is there and has nothing in it yet.
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return running is not None and running() is not None


class Carried:
    """A function whose outcome is carried from a thread by hand: a future refuses StopIteration."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._answers: list[Any] = []
        self._errors: list[BaseException] = []

    def __call__(self) -> None:
        """Call the function."""
        try:
            self._answers.append(self._function())
        except BaseException as error:  # noqa: BLE001
            self._errors.append(error)

    def result(self) -> Any:
        """Return what the function returned, or raise what it raised."""
        if self._errors:
            raise self._errors.pop()
        return self._answers.pop()


async def hop(function: Callable[[], T]) -> T:
    """Call a function in a worker thread and await its result."""
    import asyncio

    before = copy_context()
    context = before.copy()
    carried = Carried(function)
    try:
        await asyncio.get_running_loop().run_in_executor(None, context.run, carried)
    finally:
        adopt(context, before)
    answer: T = carried.result()
    return answer


async def together(coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Await coroutines concurrently, each in its own task; return their results in order.

    If one raises, the others are cancelled and awaited first. One error travels on as
    it is, several in an exception group. As `asyncio.TaskGroup`, but with eager tasks
    from Python 3.12 on: what never suspends needs no turn of the loop.
    """
    if len(coroutines) == 1:
        return [await coroutines[0]]
    before = copy_context()
    context = before.copy()
    tasks: list[asyncio.Task[T]] = []
    try:
        for coroutine in coroutines:
            tasks.append(_start(coroutine, context))  # noqa: PERF401
        await _settle([task for task in tasks if not task.done()], tasks)
    finally:
        # A KeyboardInterrupt of an eager task comes out of its start: the rest never begins.
        for coroutine in coroutines[len(tasks) :]:
            coroutine.close()
        adopt(context, before)
    return _results(tasks)


def _start(coroutine: Coroutine[Any, Any, T], context: Context) -> asyncio.Task[T]:
    import asyncio

    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)
    return loop.create_task(coroutine, context=context)


async def _settle(pending: Sequence[asyncio.Task[T]], tasks: Sequence[asyncio.Task[T]]) -> None:
    """Wait until all tasks are done; from the first failure on, by cancelling them."""
    import asyncio

    try:
        while pending and not any(_failed(task) for task in tasks):
            _, left = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            pending = list(left)
    finally:
        # Also when the sender itself is cancelled: nobody is left running.
        await _end(pending)


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended, however often the sender is cancelled."""
    import asyncio

    for task in tasks:
        task.cancel()
    cancelled = None
    while left := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _results(tasks: Sequence[asyncio.Task[T]]) -> list[T]:
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    if len(errors) > 1:
        raise BaseExceptionGroup("several receivers failed", errors)
    if errors:
        raise errors.pop()
    # Of a task that was cancelled from within, this raises CancelledError.
    return [task.result() for task in tasks]


def adopt(context: Context, before: Context) -> None:
    """Set here the context variables that were set in a context since it was copied.

    Those that were not are left alone: others may have set them here meanwhile.
    """
    for variable, value in context.items():
        if before.get(variable, _UNSET) is not value:
            variable.set(value)


_UNSET: Any = object()


class KeptLoop:
    """An event loop of one thread, kept for the sends that need one and have none."""

    def __init__(self) -> None:
        import asyncio

        self._loop = asyncio.new_event_loop()
        self._process = os.getpid()

    def complete(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to completion, and leave nothing running that it started."""
        before = copy_context()
        context = before.copy()
        task = self._loop.create_task(coroutine, context=context)
        try:
            return self._loop.run_until_complete(task)
        finally:
            self._sweep()
            adopt(context, before)

    def _sweep(self) -> None:
        import asyncio

        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    def close(self) -> None:
        """Close the loop, once."""
        if self._process != os.getpid():
            _leave_to_parent(self._loop)
        elif not self._loop.is_closed():
            # It runs only if it has to: a thread that is past its end would leak what the
            # interpreter notes about a running loop.
            if getattr(self._loop, "_asyncgens", None):
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    # A thread that ends drops its own, and so closes it.
    __del__ = close


class _Kept(_local):
    loop: KeptLoop | None = None


_kept = _Kept()


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to completion, in a thread where no event loop runs.

    The loop is kept for the thread's next send and closed when the thread ends.
    """
    if _kept.loop is None:
        _kept.loop = KeptLoop()
    return _kept.loop.complete(coroutine)


def _close_kept() -> None:
    if _kept.loop is not None:
        _kept.loop.close()
        _kept.loop = None


# The main thread's would otherwise be dropped when asyncio is half gone.
atexit.register(_close_kept)

_of_parent: list[asyncio.AbstractEventLoop] = []


def _leave_to_parent(loop: asyncio.AbstractEventLoop) -> None:
    # After a fork a loop shares its selector with the parent's; even closing it here
    # would be felt there. So it is put aside, and asyncio told that it need not close it.
    loop._closed = True  # type: ignore[attr-defined]
    _of_parent.append(loop)


def _forget_kept() -> None:
    _kept.loop = None


# Those of other threads are dropped by the interpreter, whose threads they no longer are.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_kept)
