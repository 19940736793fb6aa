"""The thread's event loop: for sync sends that have to await where no loop runs.

It is created at the first such send and closed when the thread ends. A receiver that never
suspends needs no iteration of it, and tasks of receivers are cancelled before the send
returns.
"""

# asyncio has no public way to run the first step of a task without the loop.
# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false

from __future__ import annotations

import atexit
import os
import sys
from _thread import _local, get_ident
from contextvars import copy_context

from clarion._core.loops import copy_context_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection, Coroutine
    from contextvars import Context
    from typing import Any, TypeVar

    T = TypeVar("T")


class ThreadLoop:
    """The event loop of one thread."""

    def __init__(self) -> None:
        import asyncio

        self._asyncio = asyncio
        loop: Any = asyncio.new_event_loop()
        self._loop = loop
        # Only asyncio's own loops allow to run the first step of a task without the loop.
        self._can_step = isinstance(loop, asyncio.BaseEventLoop)
        # The callbacks that are ready to run. For another loop, assume that there are some.
        self._ready: Collection[object] = (None,)
        if self._can_step:
            self._ready = loop._ready
            self._hooks = loop._asyncgen_firstiter_hook, loop._asyncgen_finalizer_hook
        self._tasks: list[asyncio.Task[Any]] = []
        self._loop.set_task_factory(_task_factory(self._tasks))
        self._loop.set_exception_handler(_report)
        self._process = os.getpid()

    def complete(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to completion, and cancel the tasks that it started."""
        before = copy_context()
        context = before.copy()
        task: asyncio.Task[T] | None = None
        try:
            task = (self._begin if self._can_step else self._make)(coroutine, context)
            if not task.done():
                self._loop.run_until_complete(task)
            return task.result()
        finally:
            if self._ready or self._tasks or task is None or not task.done():
                self._sweep(task)
            del task  # an error holds this frame, and the task holds the error
            copy_context_back(context, before)

    def _make(self, coroutine: Coroutine[Any, Any, T], context: Context) -> asyncio.Task[T]:
        return self._asyncio.Task(coroutine, loop=self._loop, context=context)

    def _begin(self, coroutine: Coroutine[Any, Any, T], context: Context) -> asyncio.Task[T]:
        """Create a task and run its first step, as a running loop does."""
        loop, enter = self._loop, self._asyncio._set_running_loop
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(*self._hooks)
        loop._thread_id = get_ident()
        enter(loop)
        try:
            if sys.version_info >= (3, 12):
                return self._asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)
            task = self._make(coroutine, context)
            loop._ready.pop()._run()
            return task
        finally:
            enter(None)
            loop._thread_id = None
            sys.set_asyncgen_hooks(*hooks)

    def _sweep(self, task: asyncio.Task[Any] | None) -> None:
        """Run the callbacks that are ready, and cancel the tasks that are left."""
        if self._ready:
            self._loop.run_until_complete(_iterate())
        self._cancel([*self._tasks] if task is None else [task, *self._tasks])

    def _cancel(self, tasks: list[asyncio.Task[Any]]) -> None:
        while left := [task for task in tasks if not task.done()]:
            self._tasks.clear()
            for each in left:
                each.cancel()
            self._loop.run_until_complete(self._asyncio.wait(left))
            tasks = [*self._tasks]  # the cancelled tasks may have started others
        self._tasks.clear()

    def close(self) -> None:
        """Close the loop, once."""
        if self._process != os.getpid():
            _leave_to_parent(self._loop)
        elif not self._loop.is_closed():
            # Run it only if necessary: running a loop in a thread that has ended leaks the
            # interpreter's record of a running loop.
            if getattr(self._loop, "_asyncgens", None):
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    # A thread that ends drops its loop, and so closes it.
    __del__ = close


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # An interrupt in a first step reaches the sender, so asyncio need not report that it was
    # never retrieved from the task.
    if not isinstance(context.get("exception"), (KeyboardInterrupt, SystemExit)):
        loop.default_exception_handler(context)


def _task_factory(tasks: list[asyncio.Task[Any]]) -> Callable[..., asyncio.Task[Any]]:
    """Return a task factory that records its tasks; it must not hold the ThreadLoop."""

    def make_task(
        loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        import asyncio

        task = asyncio.Task(coroutine, loop=loop, **options)
        tasks.append(task)
        return task

    return make_task


async def _iterate() -> None:
    """Do nothing for one iteration of the loop."""


class _Local(_local):
    loop: ThreadLoop | None = None


_of_thread = _Local()


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to completion on the thread's event loop, where no loop runs."""
    if _of_thread.loop is None:
        _of_thread.loop = ThreadLoop()
    return _of_thread.loop.complete(coroutine)


def _close() -> None:
    if _of_thread.loop is not None:
        _of_thread.loop.close()
        _of_thread.loop = None


# Otherwise the main thread's loop is dropped when parts of asyncio are gone.
atexit.register(_close)

_of_parent: list[asyncio.AbstractEventLoop] = []


def _leave_to_parent(loop: asyncio.AbstractEventLoop) -> None:
    # After a fork a loop shares its selector with the parent's loop, and closing it here would
    # break that one. So it is kept, and marked as closed so that asyncio does not close it.
    loop._closed = True  # type: ignore[attr-defined]
    _of_parent.append(loop)


def _forget() -> None:
    _of_thread.loop = None


# The interpreter drops the loops of the other threads, which do not exist after a fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
