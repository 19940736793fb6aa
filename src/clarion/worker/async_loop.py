"""The event loop of a worker's async receivers, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from clarion._core.fork import new_lock

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future
    from typing import TypeVar

    T = TypeVar("T")


LONGEST_END = 4.0  # seconds for the receivers that were cancelled


class AsyncLoop:
    """An event loop that starts with the first async receiver."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._lock = new_lock()
        self._slots: dict[str, asyncio.Semaphore] = {}

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine in the loop; return a future of its result."""
        try:
            loop = self._started()
        except BaseException:
            coroutine.close()  # otherwise Python warns that it was never awaited
            raise
        return asyncio.run_coroutine_threadsafe(coroutine, loop)

    def result(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, and wait for its result."""
        return self.submit(coroutine).result()

    def slots(self, receiver: str, limit: int) -> asyncio.Semaphore:
        """Return what limits the calls of a receiver in this loop. All of its jobs share it.

        Call it in the loop.

        Args:
            receiver: its name in the rows.
            limit: how many of its calls run at the same time.
        """
        if receiver not in self._slots:
            self._slots[receiver] = asyncio.Semaphore(limit)
        return self._slots[receiver]

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop, ended = asyncio.new_event_loop(), threading.Event()
                thread = threading.Thread(
                    target=_serve, args=(loop, ended), name="clarion-async", daemon=True
                )
                try:
                    thread.start()
                except BaseException:  # the system has no more threads
                    loop.close()
                    raise
                self._loop, self._thread, self._ended = loop, thread, ended
            return self._loop

    def cancel(self) -> None:
        """Cancel everything that runs in the loop."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel_all)

    def _cancel_all(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    def close(self) -> None:
        """End the loop, after its tasks were cancelled."""
        with self._lock:
            loop, thread, ended = self._loop, self._thread, self._ended
            self._loop = self._thread = None
            self._slots = {}  # they belong to the loop
        if loop is not None and thread is not None:
            try:
                asyncio.run_coroutine_threadsafe(_shut_down(), loop).result(LONGEST_END)
            except TimeoutError:
                ended.set()
                return  # a receiver blocks the loop; its thread ends with the process
            ended.set()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def _serve(loop: asyncio.AbstractEventLoop, ended: threading.Event) -> None:
    """Run a loop until it is ended, even if a task in it stops it or calls `sys.exit`.

    asyncio raises SystemExit and KeyboardInterrupt of a task in the thread of its loop too. The other
    receivers would then wait without an end, with their transactions open.
    """
    while not ended.is_set():
        with suppress(SystemExit, KeyboardInterrupt):
            loop.run_forever()


def _ignore(_: asyncio.AbstractEventLoop, __: dict[str, Any]) -> None:
    pass


def _destroy(task: asyncio.Task[Any]) -> None:
    coroutine: Any = task.get_coro()
    with suppress(BaseException):  # it may await once more, or raise
        coroutine.close()


async def _shut_down() -> None:
    loop = asyncio.get_running_loop()
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=LONGEST_END / 2)
        if left:
            # These receivers ignore their cancellation, which was logged. asyncio, or the interpreter
            # at its end, would report one more error for each object that they hold.
            loop.set_exception_handler(_ignore)
            for task in left:
                _destroy(task)
    await loop.shutdown_asyncgens()
