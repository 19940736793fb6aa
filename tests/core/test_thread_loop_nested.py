"""The event loop of a thread in nested sends, and after receivers that change it."""

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


def current_loop():
    """Return the loop on which a send of this thread runs."""

    async def loop():
        return asyncio.get_running_loop()

    return thread_loop.complete(loop())


def test_a_nested_send_uses_another_loop(own_loop, monkeypatch):
    """A nested send uses another loop while the loop of the outer send does not run."""
    loops: list[object] = []
    begin = thread_loop.ThreadLoop._begin

    def interrupted(self, coroutine, context):
        if not loops:
            loops.append(self._loop)
            loops.append(current_loop())
        return begin(self, coroutine, context)

    monkeypatch.setattr(thread_loop.ThreadLoop, "_begin", interrupted)
    assert current_loop() is own_loop._loop is loops[0]
    assert loops[1] is not loops[0]
    gc.collect()
    assert loops[1].is_closed()  # type: ignore[attr-defined]
    assert current_loop() is own_loop._loop


def test_the_tasks_of_the_outer_send_continue(own_loop, monkeypatch):
    """The end of a nested send cancels only the tasks of its own receivers."""
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
    """A signal handler may send during any send, without a cancellation or a deadlock."""

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
    """A receiver's changes of the loop end with its send."""

    def test_a_stop_has_no_effect(self, signal):
        """Stopping the loop has no effect on this send and on later ones."""

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
        """A task factory ends with the send, and its tasks are cancelled."""
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

    def test_an_exception_handler_and_debugging_end_with_the_send(self, own_loop, signal):
        """An exception handler and the debug mode end with the send."""

        async def sets(**kwargs):
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda *_: None)
            loop.set_debug(not loop.get_debug())

        before = own_loop._loop.get_exception_handler(), own_loop._loop.get_debug()
        signal.connect(sets)
        signal.send(None)
        assert (own_loop._loop.get_exception_handler(), own_loop._loop.get_debug()) == before

    def test_another_error_of_the_loop_is_raised(self, own_loop):
        """A RuntimeError of the loop other than that of a stop is raised."""
        future = own_loop._loop.create_future()
        own_loop._loop.close()
        with pytest.raises(RuntimeError, match="closed"):
            own_loop._run(future)
        thread_loop._of_thread.loop = None


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop needs another system")
def test_a_stop_has_no_effect_under_uvloop(signal):
    """Stopping a uvloop has no effect either."""
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
