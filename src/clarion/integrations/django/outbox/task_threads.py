"""The threads in which async receivers use Django's connections.

A connection of Django's belongs to a thread. Receivers that are awaited at the same time do not share
one, so each call has a thread. After the call, the thread and its connections serve the next one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import connections

from clarion.integrations.django.outbox.kept_connections import (
    close_old,
    end_call,
    end_failed_call,
    serve,
)
from clarion.outbox.per_loop import PerLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from concurrent.futures import ThreadPoolExecutor

LONGEST_IDLE = 1.0  # seconds for which a thread without a connection is kept
LONGEST_END = 2.0  # seconds that the end of a loop waits for its threads


class TaskThreads:
    """The threads of each event loop."""

    def __init__(self) -> None:
        self._threads = PerLoop(_Threads)

    @asynccontextmanager
    async def thread(self) -> AsyncGenerator[None]:
        """Give a block a thread for Django's queries and for functions by `sync_to_async`."""
        threads = self._threads.get()
        thread = threads.take()
        # A new context for each block. A task that outlives the block does not get this thread.
        context = ThreadSensitiveContext()
        executors = SyncToAsync.context_to_thread_executor
        executors[context] = cast("ThreadPoolExecutor", thread)
        token = SyncToAsync.thread_sensitive_context.set(context)
        end: Callable[[], None] = end_failed_call
        try:
            yield
            end = end_call
        finally:
            SyncToAsync.thread_sensitive_context.reset(token)
            executors.pop(context, None)
            await threads.give_back(thread, end)


class _Thread(Executor):
    """A thread that calls functions, one after the other. It starts at the first call.

    It is a daemon, so that a receiver that never ends does not keep the process.

    Attributes:
        is_used: whether it was given a function since it was taken.
        check_at: when its connections are looked at if it is idle, on the monotonic clock.
    """

    def __init__(self) -> None:
        self.is_used = False
        self.check_at = 0.0
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def is_started(self) -> bool:
        """Whether the thread was given a function once, so that it runs."""
        return self._thread is not None

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Future[Any]:
        """Call a function in the thread; return the future of its result."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="clarion-django", daemon=True)
            thread.start()
            self._thread = thread
        self.is_used = True
        future: Future[Any] = Future()
        self._calls.put((future, lambda: fn(*arguments, **keywords)))
        return future

    def end(self) -> None:
        """Let the thread end after the functions that it was given."""
        self._calls.put(None)

    def _run(self) -> None:
        serve()
        while (call := self._calls.get()) is not None:
            future, function = call
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001  # raised where it is awaited
                    future.set_exception(error)
            del call, future, function  # they hold the receiver's objects
        connections.close_all()


class _Threads:
    """The threads of one event loop."""

    def __init__(self) -> None:
        self._idle: deque[_Thread] = deque()
        self._busy: set[_Thread] = set()
        self._is_closed = False
        self._check: asyncio.TimerHandle | None = None

    def take(self) -> _Thread:
        """Return a thread that no other block uses."""
        thread = self._idle.pop() if self._idle else _Thread()
        thread.is_used = False
        self._busy.add(thread)
        return thread

    async def give_back(self, thread: _Thread, end: Callable[[], None]) -> None:
        """End a call in its thread by a function, and keep the thread for the next one."""
        if thread.is_used:
            # The thread is kept after it has ended what the receiver has left running in it.
            future = asyncio.wrap_future(thread.submit(end))
            future.add_done_callback(lambda _: self._keep(thread))
            await asyncio.shield(future)
        else:
            self._keep(thread)

    def _keep(self, thread: _Thread) -> None:
        self._busy.discard(thread)
        # An idle thread is given functions that close its connections. At the end of the interpreter, this
        # cannot start it.
        if self._is_closed or not thread.is_started:
            return
        loop = asyncio.get_running_loop()
        thread.check_at = loop.time() + LONGEST_IDLE
        self._idle.append(thread)
        self._check_later(loop)

    def _check_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._check is None and self._idle:
            first = min(each.check_at for each in self._idle)
            if first < float("inf"):
                self._check = loop.call_at(first, self._check_idle, loop)

    def _check_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the threads that are idle and have no connection that CONN_MAX_AGE keeps."""
        self._check = None
        late = [each for each in self._idle if each.check_at <= loop.time()]
        for thread in late:
            self._idle.remove(thread)
            self._busy.add(thread)
            future = asyncio.wrap_future(thread.submit(close_old))
            future.add_done_callback(partial(self._checked, thread))
        self._check_later(loop)

    def _checked(self, thread: _Thread, ended: asyncio.Future[float | None]) -> None:
        self._busy.discard(thread)
        if (check_at := ended.result()) is None or self._is_closed:
            thread.end()
            return
        thread.check_at = check_at
        self._idle.appendleft(thread)
        self._check_later(asyncio.get_running_loop())

    async def aclose(self) -> None:
        """Close the connections, and end the threads."""
        self._is_closed = True
        if self._check is not None:
            self._check.cancel()
        idle, self._idle = list(self._idle), deque[_Thread]()
        closed = [asyncio.wrap_future(each.submit(connections.close_all)) for each in idle]
        for each in (*idle, *self._busy):
            each.end()
        if closed:
            await asyncio.wait(closed, timeout=LONGEST_END)


TASK_THREADS = TaskThreads()
"""The threads of all databases: a thread may use several."""
