"""LoopThread: an event loop in a thread of its own."""

import asyncio
import os
import threading

import pytest

from clarion.background.loop_thread import LoopThread, run_on, run_on_from
from tests.threads import no_more_threads


async def where():
    """Return the name of the thread."""
    return threading.current_thread().name


def test_the_loop_runs_in_its_thread():
    """Coroutines run in the loop of the named thread, the same one each time."""
    thread = LoopThread("mine")
    assert thread.loop() is thread.loop()
    assert run_on(thread.loop(), where(), 30) == "mine"


def test_an_error_reaches_the_caller():
    """The exception of a coroutine is raised in the calling thread."""

    async def fail():
        raise LookupError

    with pytest.raises(LookupError):
        run_on(LoopThread("mine").loop(), fail(), 30)


def test_a_late_coroutine_is_cancelled():
    """A coroutine that exceeds the caller's limit is cancelled."""
    ended = threading.Event()

    async def wait():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        run_on(LoopThread("mine").loop(), wait(), 0.01)
    assert ended.wait(30)


def test_a_coroutine_of_another_loop_waits():
    """A coroutine of another loop awaits the result; one of the same loop runs there."""
    thread = LoopThread("mine")

    async def from_another():
        return await run_on_from(thread.loop(), where())

    async def from_the_same():
        return await run_on_from(asyncio.get_running_loop(), where())

    assert asyncio.run(from_another()) == "mine"
    assert asyncio.run(from_the_same()) == threading.current_thread().name


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_has_a_loop_of_its_own():
    """A forked process starts a loop thread of its own, because threads do not survive a fork."""
    thread = LoopThread("mine")
    thread.loop()
    child = os.fork()
    if not child:
        try:
            os._exit(0 if run_on(thread.loop(), where(), 30) == "mine" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_it_starts_later_if_the_system_has_no_more_threads():
    """A loop without a thread would let each caller wait."""
    thread = LoopThread("mine")
    with no_more_threads("mine"), pytest.raises(RuntimeError, match="new thread"):
        thread.loop()
    assert run_on(thread.loop(), where(), 30) == "mine"
