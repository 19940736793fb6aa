"""The event loop of async receivers."""

import asyncio
import gc
import sys
import threading
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from clarion.worker import async_loop
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


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_task_that_exits_does_not_end_the_loop(loop, error):
    """A task of a receiver that calls sys.exit() fails, and the other receivers go on."""

    async def leave():
        raise error

    async def receive():
        async with asyncio.TaskGroup() as group:
            group.create_task(leave())

    other = loop.submit(asyncio.sleep(0.2, "made"))
    with pytest.raises(error):
        loop.submit(receive()).result(10)
    assert other.result(10) == "made"
    assert loop.result(thread())


def test_a_receiver_that_stops_the_loop_does_not_end_it(loop):
    """The loop goes on after a receiver has stopped it."""

    async def stop():
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0.01)
        return "made"

    assert loop.submit(stop()).result(10) == "made"


def test_close_cancels_and_ends_the_thread(loop):
    """`close` ends the thread, and the loop can be used again."""
    ran = loop.result(thread())
    future = loop.submit(asyncio.sleep(60))
    loop.close()
    assert future.done()
    assert not ran.is_alive()
    assert loop.result(thread()) is not ran


@asynccontextmanager
async def _transaction():
    try:
        yield
    finally:
        await asyncio.sleep(0)  # as to roll back


async def _hang(begun):
    async with _transaction():
        begun.set()
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)


def test_close_is_quiet_about_what_ignores_its_cancellation(loop, monkeypatch, caplog, recwarn):
    """Neither asyncio nor the interpreter reports each object of such a receiver."""
    monkeypatch.setattr(async_loop, "LONGEST_END", 0.4)
    begun = threading.Event()
    loop.submit(_hang(begun))
    assert begun.wait(30)
    loop.close()
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    gc.collect()
    assert unraisable == []
    assert caplog.messages == []
    assert recwarn.list == []
