"""Sends under uvloop, an event loop of asyncio in C."""

import asyncio
import gc
import inspect
import threading
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from clarion._core import thread_loop
from clarion.errors import RunningLoopError
from tests.core.receivers import answering_async, answers, raising_async

variable: ContextVar[str] = ContextVar("variable", default="unset")


def thread_of(**kwargs):
    """Return the thread that runs this."""
    return threading.get_ident()


class TestUvloop:
    """An event loop of asyncio that is not written in Python."""

    @pytest.fixture
    def run(self):
        """Run a coroutine on the loop."""
        return pytest.importorskip("uvloop").run

    def test_one_receiver(self, signal, async_send, run):
        """A single async receiver runs in the sender's task."""

        async def receiver(**kwargs):
            await asyncio.sleep(0)
            return asyncio.current_task()

        async def main():
            (response,) = await async_send(signal)
            assert response == (receiver, asyncio.current_task())
            assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")

        signal.connect(receiver)
        run(main())

    def test_several_receivers(self, signal, async_send, run):
        """Several receivers run concurrently, and the sender gets their context variables."""
        met = []

        async def meeting(value, **kwargs):
            met.append(value)
            while len(met) < 3:  # noqa: ASYNC110  # nobody gets by before all are there
                await asyncio.sleep(0)
            variable.set("met")
            return len(met)

        async def main():
            found = answers(await async_send(signal, value=1))
            return found, variable.get()

        for _ in range(3):
            signal.connect(lambda value, **kwargs: value, dispatch_uid="none", inline=True)
            signal.connect(_own(meeting))
        assert run(main()) == ([1, 3, 3, 3], "met")

    def test_sync_and_inline_receivers(self, signal, async_send, run):
        """Sync receivers run in another thread, inline ones in the thread of the loop."""
        signal.connect(thread_of)
        signal.connect(_own(thread_of), inline=True)

        async def main():
            return answers(await async_send(signal))

        threaded, inline = run(main())
        assert inline == threading.get_ident() != threaded

    @pytest.mark.parametrize("others", [0, 1])
    def test_failing_receivers(self, signal, others, run):
        """An error is raised, or it is the response of a robust send."""
        failure = ValueError("no")
        signal.connect(raising_async(failure))
        for _ in range(others):
            signal.connect(answering_async(1))
        with pytest.raises(ValueError, match="no") as caught:
            run(signal.asend(None))
        assert caught.value is failure
        assert "receiver" in caught.value.__notes__[0]
        assert answers(run(signal.asend_robust(None))) == [failure, *[1] * others]

    @pytest.mark.parametrize("count", [1, 2])
    def test_cancelled_senders(self, signal, async_send, count, run):
        """A cancelled sender leaves no receiver running."""
        ended = []

        async def endless(**kwargs):
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(1)

        for _ in range(count):
            signal.connect(_own(endless))

        async def main():
            task = asyncio.ensure_future(async_send(signal))
            for _ in range(3):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(ended) == count

        run(main())

    def test_a_cancelled_sender_waits_for_its_thread(self, signal, async_send, run):
        """A cancelled sender waits for a sync receiver that has started."""
        begun, go_on, ended = threading.Event(), threading.Event(), []

        def receiver(**kwargs):
            begun.set()
            ended.append(go_on.wait(60))

        signal.connect(receiver)

        async def main():
            task = asyncio.ensure_future(async_send(signal))
            while not begun.is_set():  # noqa: ASYNC110  # another thread sets it
                await asyncio.sleep(0.001)
            task.cancel()
            asyncio.get_running_loop().call_later(0.01, go_on.set)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert ended == [True]

        run(main())

    def test_a_sync_send_is_refused(self, signal, run):
        """A sync send to an async receiver is refused because it would block its own loop."""
        signal.connect(answering_async(1))

        async def main():
            with pytest.raises(RunningLoopError):
                signal.send(None)
            return answers(await signal.asend(None))

        assert run(main()) == [1]

    def test_the_thread_loop_may_be_a_uvloop(self, signal, run):
        """A sync send uses a uvloop if the event loop policy creates one."""
        uvloop = pytest.importorskip("uvloop")
        seen: dict[str, Any] = {}

        async def receiver(value, **kwargs):
            variable.set("changed")
            await asyncio.sleep(0)
            seen["loop"] = asyncio.get_running_loop()
            seen["task"] = asyncio.ensure_future(asyncio.sleep(60))
            return value

        def send():
            try:
                seen["answers"] = answers(signal.send(None, value=1))
                seen["variable"] = variable.get()
                seen["kept"] = thread_loop._of_thread.loop
            finally:
                done.set()

        done = threading.Event()
        signal.connect(receiver)
        with policy(uvloop):
            thread = threading.Thread(target=send)
            thread.start()
            thread.join(60)
        assert done.is_set()
        assert seen["answers"] == [1]
        assert seen["variable"] == "changed"
        assert isinstance(seen["loop"], uvloop.Loop)
        assert seen.pop("task").cancelled()
        assert not seen["kept"]._can_step
        del seen["kept"]
        gc.collect()
        assert seen["loop"].is_closed()


@contextmanager
def policy(package):
    """Set an event loop policy, without the warning that it is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.set_event_loop_policy(package.EventLoopPolicy())
        try:
            yield
        finally:
            asyncio.set_event_loop_policy(None)


def _own(function):
    """Return a copy of a function that belongs to this module."""
    if inspect.iscoroutinefunction(function):

        async def awaited(**kwargs):
            return await function(**kwargs)

        return awaited
    return partial(function)
