"""An event loop in a thread of its own, for engines that are async only."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any

from clarion._core.fork import new_lock

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import TypeVar

    T = TypeVar("T")


class LoopThread:
    """Starts the thread and its loop at the first use, and again in a process that was forked.

    Args:
        name: the name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = new_lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop, which runs."""
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=loop.run_forever, name=self._name, daemon=True)
                try:
                    thread.start()
                except BaseException:  # the system has no more threads
                    loop.close()
                    raise
                self._loop, self._process = loop, os.getpid()
            return self._loop


def run_on(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
    """Run a coroutine on the loop of another thread, and return its result.

    Args:
        loop: the loop, which runs.
        coroutine: the coroutine.
        seconds: how long to wait at most; the coroutine is cancelled then.

    Raises:
        TimeoutError: if that takes longer.
    """
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result(seconds)
    finally:
        future.cancel()  # does nothing to one that is done


async def run_on_from(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop, from a coroutine of the same loop or of another one."""
    if loop is asyncio.get_running_loop():
        return await coroutine
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, loop))
