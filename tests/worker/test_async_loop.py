"""The event loop of async receivers."""

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from clarion.worker.async_loop import AsyncLoop


@pytest.fixture
def loop():
    """Return a loop, which is closed at the end."""
    loop = AsyncLoop()
    yield loop
    loop.close()


async def thread():
    """Return the running thread."""
    return threading.current_thread()


def test_coroutines_run_in_one_thread(loop):
    """Coroutines of every submitting thread run in one thread."""
    assert loop.result(thread()) is loop.result(thread()) is not threading.current_thread()


def test_cancel_ends_what_runs(loop):
    """`cancel` cancels the running coroutines, and the loop can be used again."""
    future = loop.submit(asyncio.sleep(60))
    loop.result(thread())
    loop.cancel()
    with pytest.raises(CancelledError):
        future.result(10)
    assert loop.result(thread())


def test_close_cancels_and_ends_the_thread(loop):
    """`close` ends the thread, and the loop can be used again."""
    ran = loop.result(thread())
    future = loop.submit(asyncio.sleep(60))
    loop.close()
    assert future.done()
    assert not ran.is_alive()
    assert loop.result(thread()) is not ran
