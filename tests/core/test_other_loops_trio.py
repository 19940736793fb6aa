"""Sends under trio, which is not an event loop of asyncio."""

import asyncio
import gc
import threading

import pytest

from clarion.errors import NoLoopError, RunningLoopError
from tests.core.receivers import Listener, answering, answering_async, answers, raising_async


async def suspending(value, **kwargs):
    """Respond after one turn of asyncio's loop."""
    await asyncio.sleep(0)
    return value


def thread_of(**kwargs):
    """Return the thread that runs this."""
    return threading.get_ident()


@pytest.mark.filterwarnings("error")
class TestTrio:
    """An event loop that is not from asyncio."""

    @pytest.fixture
    def trio(self):
        """Return the module, or skip the test without it."""
        return pytest.importorskip("trio")

    @pytest.fixture
    def run(self, trio, async_send):
        """Send under trio, and return the responses."""

        async def main(signal, named):
            return answers(await async_send(signal, **named))

        def run(signal, **named):
            responses = trio.run(main, signal, named)
            gc.collect()  # a coroutine that is never awaited would warn
            return responses

        return run

    def test_one_async_receiver(self, trio, signal, run):
        """A single async receiver runs in the sender's task."""

        async def receiver(value, **kwargs):
            await trio.sleep(0)
            return value

        signal.connect(receiver)
        assert run(signal, value=1) == [1]

    def test_an_async_method(self, signal, run):
        """An async method is held weakly, and skipped once it is dead."""
        listener = Listener()
        signal.connect(listener.async_method)
        assert run(signal, value=1) == [1]
        del listener
        assert run(signal, value=1) == []

    def test_no_receivers(self, signal, run):
        """Without receivers the send returns an empty list."""
        assert run(signal) == []

    def test_inline_receivers(self, signal, run):
        """Inline receivers are called without a thread."""
        signal.connect(thread_of, inline=True)
        signal.connect(answering(1), inline=True)
        assert run(signal) == [threading.get_ident(), 1]

    def test_receivers_of_different_priorities(self, trio, signal, run):
        """Inline and async receivers of different priorities run one after the other."""

        async def first(**kwargs):
            await trio.sleep(0)
            return "first"

        signal.connect(answering_async("last"), priority=-1)
        signal.connect(first)
        signal.connect(answering("inline"), inline=True, priority=1)
        assert run(signal) == ["inline", "first", "last"]

    @pytest.mark.parametrize(
        "receivers",
        [
            (answering(1),),
            (answering_async(1), answering_async(2)),
            (answering_async(1), answering(2)),
        ],
        ids=["a sync one", "several async ones", "one of each"],
    )
    def test_receivers_that_need_asyncio(self, signal, run, receivers):
        """Receivers that need asyncio are refused with the cure."""
        for receiver in receivers:
            signal.connect(receiver)
        with pytest.raises(NoLoopError, match="Connect sync receivers with inline=True") as caught:
            run(signal)
        assert not hasattr(caught.value, "__notes__")
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__

    def test_a_failing_receiver(self, trio, signal):
        """The error of a receiver is raised with a note, or returned by a robust send."""
        failure = ValueError("no")
        signal.connect(raising_async(failure))
        with pytest.raises(ValueError, match="no") as caught:
            trio.run(signal.asend, None)
        assert len(caught.value.__notes__) == 1
        assert answers(trio.run(signal.asend_robust, None)) == [failure]

    def test_a_cancelled_sender(self, trio, signal, async_send):
        """Cancelling the sender cancels the receiver with trio's exception."""
        ended = []

        async def endless(**kwargs):
            try:
                await trio.sleep_forever()
            finally:
                ended.append(1)

        async def main():
            with trio.move_on_after(0.01) as scope:
                await async_send(signal)
            return scope.cancelled_caught

        signal.connect(endless)
        assert trio.run(main)
        assert ended == [1]

    def test_a_sync_send(self, trio, signal):
        """A sync send is refused if a receiver is async, and works otherwise."""
        called: list[int] = []

        async def main():
            with pytest.raises(RunningLoopError, match="cannot await"):
                signal.send(None)
            assert not called
            signal.disconnect(dispatch_uid="async")
            return answers(signal.send(None))

        signal.connect(answering_async(1), dispatch_uid="async")
        signal.connect(lambda **kwargs: called.append(1))
        assert trio.run(main) == [None]
        gc.collect()

    def test_a_sync_send_in_a_worker_thread(self, trio, signal):
        """A worker thread of trio has no running loop, so a sync send uses its own."""
        signal.connect(suspending)

        async def main():
            return answers(await trio.to_thread.run_sync(lambda: signal.send(None, value=1)))

        assert trio.run(main) == [1]
