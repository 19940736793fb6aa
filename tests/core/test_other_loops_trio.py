"""Sends under trio, which is not an event loop of asyncio."""

import asyncio
import gc
import threading

import pytest

from clarion.errors import NoLoopError, RunningLoopError
from tests.core.receivers import Listener, answering, answering_async, answers, raising_async


async def suspending(value, **kwargs):
    """Answer after a turn of asyncio's loop."""
    await asyncio.sleep(0)
    return value


def thread_of(**kwargs):
    """Answer with the thread it runs in."""
    return threading.get_ident()


@pytest.mark.filterwarnings("error")
class TestTrio:
    """A loop that is none of asyncio."""

    @pytest.fixture
    def trio(self):
        """Import it, if it is there."""
        return pytest.importorskip("trio")

    @pytest.fixture
    def run(self, trio, async_send):
        """Send there, and return the answers."""

        async def main(signal, named):
            return answers(await async_send(signal, **named))

        def run(signal, **named):
            responses = trio.run(main, signal, named)
            gc.collect()  # a coroutine that was never awaited would say so
            return responses

        return run

    def test_one_async_receiver(self, trio, signal, run):
        """It is awaited in the sender's own task."""

        async def receiver(value, **kwargs):
            await trio.sleep(0)
            return value

        signal.connect(receiver)
        assert run(signal, value=1) == [1]

    def test_an_async_method(self, signal, run):
        """Held weakly as ever, alive or not."""
        listener = Listener()
        signal.connect(listener.async_method)
        assert run(signal, value=1) == [1]
        del listener
        assert run(signal, value=1) == []

    def test_nobody(self, signal, run):
        """Nothing is awaited."""
        assert run(signal) == []

    def test_inline_receivers(self, signal, run):
        """They are called, and need no thread."""
        signal.connect(thread_of, inline=True)
        signal.connect(answering(1), inline=True)
        assert run(signal) == [threading.get_ident(), 1]

    def test_what_the_error_recommends(self, trio, signal, run):
        """Inline and async receivers of different priorities, one after the other."""

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
        """They are refused in a sentence that says what to do."""
        for receiver in receivers:
            signal.connect(receiver)
        with pytest.raises(NoLoopError, match="Connect sync receivers with inline=True") as caught:
            run(signal)
        assert not hasattr(caught.value, "__notes__")
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__

    def test_a_failing_receiver(self, trio, signal):
        """It is blamed, or its error is the answer."""
        failure = ValueError("no")
        signal.connect(raising_async(failure))
        with pytest.raises(ValueError, match="no") as caught:
            trio.run(signal.asend, None)
        assert len(caught.value.__notes__) == 1
        assert answers(trio.run(signal.asend_robust, None)) == [failure]

    def test_a_cancelled_sender(self, trio, signal, async_send):
        """The receiver is cancelled as trio does it."""
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
        """To an async receiver it is refused there; to others it is not."""
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

    def test_a_sync_send_in_a_thread_of_it(self, trio, signal):
        """There no loop runs, so the thread's own is taken."""
        signal.connect(suspending)

        async def main():
            return answers(await trio.to_thread.run_sync(lambda: signal.send(None, value=1)))

        assert trio.run(main) == [1]
