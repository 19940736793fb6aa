"""The event loop that a thread keeps, for sends that need one where none runs.

It is made at the first such send and closed when the thread ends. What never suspends
makes no turn of it, and nothing that a receiver has started outlives the send.
"""

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


class KeptLoop:
    """An event loop of one thread, kept for the sends that need one and have none."""

    def __init__(self) -> None:
        import asyncio

        self._asyncio = asyncio
        loop: Any = asyncio.new_event_loop()
        self._loop = loop
        # Of asyncio's own a first step can be taken by hand; another's only runs as a whole.
        self._has_hands = isinstance(loop, asyncio.BaseEventLoop)
        # What is scheduled for at once; of a loop that does not tell, there may be something.
        self._ready: Collection[object] = (None,)
        if self._has_hands:
            self._ready = loop._ready
            self._hooks = loop._asyncgen_firstiter_hook, loop._asyncgen_finalizer_hook
        self._made: list[asyncio.Task[Any]] = []
        self._loop.set_task_factory(_noting(self._made))
        self._loop.set_exception_handler(_report)
        self._process = os.getpid()

    def complete(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to completion, and leave nothing running that it started."""
        before = copy_context()
        context = before.copy()
        task: asyncio.Task[T] | None = None
        try:
            task = (self._begin if self._has_hands else self._make)(coroutine, context)
            if not task.done():
                self._loop.run_until_complete(task)
            return task.result()
        finally:
            if self._ready or self._made or task is None or not task.done():
                self._sweep(task)
            del task  # an error would hold it, and it the error
            copy_context_back(context, before)

    def _make(self, coroutine: Coroutine[Any, Any, T], context: Context) -> asyncio.Task[T]:
        return self._asyncio.Task(coroutine, loop=self._loop, context=context)

    def _begin(self, coroutine: Coroutine[Any, Any, T], context: Context) -> asyncio.Task[T]:
        """Make a task and take its first step, as a running loop would."""
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
        """Do what is still to be done at once, and cancel what would go on."""
        if self._ready:
            self._loop.run_until_complete(_turn())
        self._cancel([*self._made] if task is None else [task, *self._made])

    def _cancel(self, tasks: list[asyncio.Task[Any]]) -> None:
        while left := [task for task in tasks if not task.done()]:
            self._made.clear()
            for each in left:
                each.cancel()
            self._loop.run_until_complete(self._asyncio.wait(left))
            tasks = [*self._made]  # begun by those that were cancelled
        self._made.clear()

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


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # An interrupt of a first step reaches the sender; that nobody asked the task for it, too,
    # is nothing to tell.
    if not isinstance(context.get("exception"), (KeyboardInterrupt, SystemExit)):
        loop.default_exception_handler(context)


def _noting(made: list[asyncio.Task[Any]]) -> Callable[..., asyncio.Task[Any]]:
    """Return a factory of tasks that notes them; it must not hold who holds the loop."""

    def make_task(
        loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        import asyncio

        task = asyncio.Task(coroutine, loop=loop, **options)
        made.append(task)
        return task

    return make_task


async def _turn() -> None:
    """Let the loop go round once."""


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
