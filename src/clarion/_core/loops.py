"""Between sync and async: which loop runs here, a hop to a thread, tasks side by side.

Context variables go along and come back changed, as in Django 6.1: receivers see what
the sender set, and the sender sees what receivers set.
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
    """Tell whether an event loop runs in this thread: asyncio's (or uvloop's), or trio's."""
    modules = sys.modules
    if "asyncio" in modules:
        # While another thread imports asyncio, it is there and has nothing in it yet.
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


class Outcome:
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


class ThreadCall(Outcome):
    """A function that a thread carries, and that a sender can wait for who was cancelled."""

    def __init__(self, function: Callable[[], object], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(function)
        self._loop = loop
        self._right_to_decide = deque((None,))  # whether the function is called at all
        self._is_over = False
        self._waiter: asyncio.Future[None] | None = None

    def __call__(self) -> None:
        """Call the function, unless it was decided meanwhile that it is not to begin."""
        if not self._decide():
            return
        super().__call__()
        # In this order, as `outlast` looks at both in the other.
        self._is_over = True
        if self._waiter is not None:
            self._loop.call_soon_threadsafe(self._wake)

    async def outlast(self) -> None:
        """Wait until the function has ended, if it has begun, and see to it that it won't if not."""
        from asyncio import CancelledError

        if self._decide():
            return
        while not self._is_over:
            self._waiter = self._loop.create_future()
            if not self._is_over:
                with suppress(CancelledError):  # the sender was cancelled once more
                    await self._waiter

    def _decide(self) -> bool:
        try:
            self._right_to_decide.pop()
        except IndexError:
            return False
        return True

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def run_in_thread(function: Callable[[], T]) -> T:
    """Call a function in a worker thread and await its result.

    A sender that is cancelled waits for a function that has begun: a thread cannot be
    stopped, and nobody is left running. One that has not begun is not called any more.
    """
    loop = running_loop()
    before = copy_context()
    context = before.copy()
    thread_call = ThreadCall(function, loop)
    carrier = loop.run_in_executor(None, context.run, thread_call)
    try:
        await carrier
    finally:
        if not carrier.done() or carrier.cancelled():
            await thread_call.outlast()
        copy_context_back(context, before)
    answer: T = thread_call.result()
    return answer


async def gather(
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
        _start(coroutines, tasks, context)
        if pending := [task for task in tasks if not task.done()]:
            done = [] if len(pending) == len(tasks) else [task for task in tasks if task.done()]
            await _settle(pending, done, robust=robust)
    finally:
        # Where no loop runs, none has begun; and a KeyboardInterrupt of an eager task comes
        # out of its start, so that the rest never begins.
        for coroutine in coroutines[len(tasks) :]:
            coroutine.close()
        copy_context_back(context, before)
    return tasks


def _start(
    coroutines: Sequence[Coroutine[Any, Any, T]], tasks: list[asyncio.Task[T]], context: Context
) -> None:
    """Start a task for each coroutine; those that have been are in `tasks`, whatever happens."""
    from asyncio import Task

    loop = running_loop()
    for coroutine in coroutines:
        if sys.version_info >= (3, 12):
            task = Task(coroutine, loop=loop, context=context, eager_start=True)
        else:
            task = Task(coroutine, loop=loop, context=context)
        tasks.append(task)


async def _settle(
    pending: Sequence[asyncio.Task[T]], done: Sequence[asyncio.Task[T]], *, robust: bool
) -> None:
    """Wait until all tasks are done; from the first failure on, by cancelling them."""
    try:
        if not any(_has_failed(task, robust=robust) for task in done):
            await _first_failure(pending, robust=robust)
    finally:
        # Also when the sender itself is cancelled: nobody is left running.
        left = [task for task in pending if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await _outlast(left)


async def _first_failure(pending: Sequence[asyncio.Task[Any]], *, robust: bool) -> None:
    """Wait until a task fails, or until all are done."""
    told = running_loop().create_future()
    count = len(pending)

    def tell(task: asyncio.Task[Any]) -> None:
        nonlocal count
        count -= 1
        if (not count or _has_failed(task, robust=robust)) and not told.done():
            told.set_result(None)

    for task in pending:
        task.add_done_callback(tell)
    await told


async def _outlast(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait until all tasks are done, however often the sender is cancelled meanwhile."""
    import asyncio

    cancelled = None
    while left := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _has_failed(task: asyncio.Task[Any], *, robust: bool) -> bool:
    """Tell whether a task, which is done, is a reason to cancel the others."""
    if task.cancelled():
        return True
    error = task.exception()
    return error is not None and not (robust and isinstance(error, Exception))


def copy_context_back(context: Context, before: Context) -> None:
    """Set here the context variables that were set in a context since it was copied.

    Those that were not are left alone: others may have set them here meanwhile.
    """
    for variable, value in context.items():
        if before.get(variable, _UNSET) is not value:
            variable.set(value)


_UNSET: Any = object()
