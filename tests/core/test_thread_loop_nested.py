"""The thread's event loop in nested sends, and after receivers that change it."""

import asyncio
import gc
import signal as signals
import sys
import threading
from contextlib import suppress
from typing import Any

import pytest

from clarion._core import thread_loop
from clarion.errors import RunningLoopError
from tests.core.receivers import answers


async def nothing():
    """Do nothing."""


@pytest.fixture
def kept():
    """Return the loop that this thread keeps, made if need be."""
    thread_loop.complete(nothing())
    assert thread_loop._of_thread.loop is not None
    return thread_loop._of_thread.loop


def current_loop():
    """Return the loop that a send of this thread runs on."""

    async def loop():
        return asyncio.get_running_loop()

    return thread_loop.complete(loop())


def test_a_nested_send_takes_another_loop(kept, monkeypatch):
    """It comes where the outer send runs no loop, as a signal handler may."""
    loops: list[object] = []
    begin = thread_loop.ThreadLoop._begin

    def interrupted(self, coroutine, context):
        if not loops:
            loops.append(self._loop)
            loops.append(current_loop())
        return begin(self, coroutine, context)

    monkeypatch.setattr(thread_loop.ThreadLoop, "_begin", interrupted)
    assert current_loop() is kept._loop is loops[0]
    assert loops[1] is not loops[0]
    gc.collect()
    assert loops[1].is_closed()  # type: ignore[attr-defined]
    assert current_loop() is kept._loop


def test_the_tasks_of_the_outer_send_go_on(kept, monkeypatch):
    """The sweep of the nested send cancels only the tasks of its own receivers."""
    sweep = thread_loop.ThreadLoop._restore
    is_nested = False

    def interrupted(self):
        nonlocal is_nested
        if not is_nested:
            is_nested = True
            current_loop()
            assert not any(task.cancelling() for task in self._tasks)
        sweep(self)

    async def outer():
        outer_task = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        return outer_task

    monkeypatch.setattr(thread_loop.ThreadLoop, "_restore", interrupted)
    assert thread_loop.complete(outer()).cancelled()
    assert is_nested


@pytest.mark.skipif(not hasattr(signals, "setitimer"), reason="this system has no timers")
def test_a_signal_handler_may_send(signal, other):
    """It interrupts sends anywhere; none is cancelled, and none hangs."""

    async def quick(sender, **kwargs):
        return 1

    async def child():
        for _ in range(4):
            await asyncio.sleep(0)
        return 5

    async def waits(sender, **kwargs):
        return await asyncio.get_running_loop().create_task(child())

    def handler(*_):
        with suppress(RunningLoopError):  # it interrupted the loop itself
            other.send(None)

    other.connect(quick)
    signal.connect(waits)
    before = signals.signal(signals.SIGALRM, handler)
    signals.setitimer(signals.ITIMER_REAL, 0.001, 0.0007)
    try:
        for _ in range(3_000):
            assert answers(signal.send(None)) == [5]
    finally:
        signals.setitimer(signals.ITIMER_REAL, 0)
        signals.signal(signals.SIGALRM, before)


class TestChanges:
    """What a receiver sets on the loop ends with its send."""

    def test_a_stop_has_no_effect(self, signal):
        """Neither on the send nor on later ones."""

        async def stops(value, **kwargs):
            asyncio.get_running_loop().stop()
            if value:
                await asyncio.sleep(0)
                asyncio.get_running_loop().stop()
                await asyncio.sleep(0.001)
            return value

        signal.connect(stops)
        for value in (0, 1, 0, 1):
            assert answers(signal.send(None, value=value)) == [value]

    def test_a_task_factory_ends_with_the_send(self, signal):
        """And the tasks that it made are cancelled, as any."""
        made: list[Any] = []

        def factory(loop, coroutine, **options):
            made.append(asyncio.Task(coroutine, loop=loop, **options))
            return made[-1]

        async def sets(value, **kwargs):
            loop = asyncio.get_running_loop()
            if value:
                loop.set_task_factory(factory)
            loop.create_task(asyncio.sleep(60))  # noqa: RUF006
            await asyncio.sleep(0)

        signal.connect(sets)
        signal.send(None, value=1)
        count = len(made)
        assert count
        assert made[0].cancelled()
        signal.send(None, value=0)
        assert len(made) == count

    def test_an_exception_handler_and_debugging_end_with_the_send(self, kept, signal):
        """Later sends report as before."""

        async def sets(**kwargs):
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda *_: None)
            loop.set_debug(not loop.get_debug())

        before = kept._loop.get_exception_handler(), kept._loop.get_debug()
        signal.connect(sets)
        signal.send(None)
        assert (kept._loop.get_exception_handler(), kept._loop.get_debug()) == before

    def test_another_error_of_the_loop_is_raised(self, kept):
        """Only the stop of a loop is ignored."""
        future = kept._loop.create_future()
        kept._loop.close()
        with pytest.raises(RuntimeError, match="closed"):
            kept._run(future)
        thread_loop._of_thread.loop = None


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop needs another system")
def test_a_stop_has_no_effect_under_uvloop(signal):
    """It stops the iterations of that loop, too."""
    uvloop = pytest.importorskip("uvloop")

    async def stops(**kwargs):
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0.01)
        return "done"

    def send():
        thread_loop._of_thread.loop = loop
        results.extend(answers(signal.send(None)))

    before = asyncio.new_event_loop
    asyncio.new_event_loop = uvloop.new_event_loop
    try:
        loop = thread_loop.ThreadLoop()
    finally:
        asyncio.new_event_loop = before
    results: list[object] = []
    signal.connect(stops)
    thread = threading.Thread(target=send)
    thread.start()
    thread.join(60)
    assert results == ["done"]
