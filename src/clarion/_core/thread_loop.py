"""The thread's event loop: for sync sends that have to await where no loop runs.

It is created at the first such send and closed when the thread ends. A receiver that never
suspends needs no iteration of it, and tasks of receivers are cancelled before the send
returns. A send inside another one, from a signal handler or a finalizer, takes another loop.
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

from clarion._core.fork import call_in_child
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
        self._task_factory = _task_factory(self._tasks)
        self._is_debugging: bool = loop.get_debug()
        self._loop.set_task_factory(self._task_factory)
        self._loop.set_exception_handler(_report)
        self._process, self._forks = os.getpid(), _forks

    @property
    def is_of_parent(self) -> bool:
        """Whether this process has forked since the loop was created."""
        # Not by the number of forks: the interpreter drops loops before it is counted.
        return self._process != os.getpid()

    def complete(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to completion, and cancel the tasks that it started."""
        before = copy_context()
        context = before.copy()
        task: asyncio.Task[T] | None = None
        try:
            task = (self._begin if self._can_step else self._make)(coroutine, context)
            if not task.done():
                self._run(task)
            return task.result()
        finally:
            self._restore()
            if task is not None and not task.done():
                self._tasks.append(task)
            if self._ready or self._tasks or task is None:
                self._sweep()
            del task  # an error holds this frame, and the task holds the error
            copy_context_back(context, before)

    def _run(self, task: asyncio.Task[Any]) -> None:
        """Run the loop until a task is done, even if a receiver stops the loop."""
        # Not by `run_until_complete`, whose frame would hold the task: an error holds the frame.
        try:
            task.add_done_callback(_stop)
            while not task.done():
                self._loop.run_forever()
        finally:
            task.remove_done_callback(_stop)
            del task

    def _restore(self) -> None:
        """Undo what a receiver has set on the loop, so that it does not reach later sends."""
        loop = self._loop
        if self._can_step:
            loop._stopping = False
            # The attributes of asyncio's own loops, because most sends change none of them.
            if (
                loop._task_factory is self._task_factory
                and loop._exception_handler is _report
                and loop._debug is self._is_debugging
            ):
                return
        if loop.get_task_factory() is not self._task_factory:
            self._tasks += self._asyncio.all_tasks(loop)
            loop.set_task_factory(self._task_factory)
        if loop.get_exception_handler() is not _report:
            loop.set_exception_handler(_report)
        if loop.get_debug() is not self._is_debugging:
            loop.set_debug(self._is_debugging)

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
            try:
                loop._ready.pop()._run()
                return task
            finally:
                del task  # as in `complete`
        finally:
            enter(None)
            loop._thread_id = None
            sys.set_asyncgen_hooks(*hooks)

    def _sweep(self) -> None:
        """Run the callbacks that are ready, and cancel the tasks that are left."""
        if self._ready:
            self._run(self._loop.create_task(_iterate()))
        # The cancelled tasks may start others.
        while left := self._cancel_pending():
            self._run(self._loop.create_task(self._asyncio.wait(left)))

    def _cancel_pending(self) -> list[asyncio.Task[Any]]:
        """Cancel the recorded tasks that are not done; return them, and record them no more."""
        left = [task for task in self._tasks if not task.done()]
        self._tasks.clear()
        for task in left:
            task.cancel()
        return left

    def close(self) -> None:
        """Close the loop, once."""
        if self.is_of_parent:
            _leave_to_parent(self._loop)
        elif not self._loop.is_closed():
            # Run it only if necessary: running a loop in a thread that has ended leaks the
            # interpreter's record of a running loop. A callback is ready if an async generator was freed
            # since the last send.
            if (self._can_step and self._ready) or getattr(self._loop, "_asyncgens", None):
                self._loop.run_until_complete(self._shut_down())
            self._loop.close()

    async def _shut_down(self) -> None:
        """Close the async generators, also those that were freed."""
        await self._loop.shutdown_asyncgens()
        own = self._asyncio.current_task()
        if left := [task for task in self._tasks if task is not own and not task.done()]:
            await self._asyncio.wait(left)

    # A thread that ends drops its loop, and so closes it.
    __del__ = close


def _stop(task: asyncio.Task[Any]) -> None:
    task.get_loop().stop()


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
    # A signal handler or a finalizer may send at any moment. So the loop is removed while it is
    # in use. A nested send finds none and creates another; the thread keeps the last one.
    loop, _of_thread.loop = _of_thread.loop, None
    if loop is None:
        loop = ThreadLoop()
    try:
        return loop.complete(coroutine)
    finally:
        if loop._forks == _forks:  # cheaper than `is_of_parent`
            _of_thread.loop = loop


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
    _of_parent.append(loop)
    try:
        loop._closed = True  # type: ignore[attr-defined]
    except AttributeError:
        # uvloop has no such mark, and complains when an open loop is freed at exit.
        from ctypes import py_object, pythonapi

        pythonapi.Py_IncRef(py_object(loop))


_forks = 0  # how often this process and its parents were forked


def _forget() -> None:
    global _forks  # noqa: PLW0603
    _forks += 1
    _of_thread.loop = None


# The interpreter drops the loops of the other threads, which do not exist after a fork.
call_in_child(_forget)
