"""Where another loop than asyncio's own runs: uvloop, which is one of asyncio, and trio, which is not."""

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
from clarion.errors import NoLoopError, RunningLoopError
from tests.core.receivers import Listener, answering, answering_async, answers, raising_async

variable: ContextVar[str] = ContextVar("variable", default="unset")


async def suspending(value, **kwargs):
    """Answer after a turn of asyncio's loop."""
    await asyncio.sleep(0)
    return value


def thread_of(**kwargs):
    """Answer with the thread it runs in."""
    return threading.get_ident()


class TestUvloop:
    """A loop of asyncio that is not written in Python."""

    @pytest.fixture
    def run(self):
        """Run a coroutine on it."""
        return pytest.importorskip("uvloop").run

    def test_one_receiver(self, signal, async_send, run):
        """It is awaited where the sender is."""

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
        """They run side by side, and what they set is set for the sender."""
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
        """Sync ones have a thread, inline ones that of the loop."""
        signal.connect(thread_of)
        signal.connect(_own(thread_of), inline=True)

        async def main():
            return answers(await async_send(signal))

        threaded, inline = run(main())
        assert inline == threading.get_ident() != threaded

    @pytest.mark.parametrize("others", [0, 1])
    def test_failing_receivers(self, signal, others, run):
        """A failure is raised, or it is the answer."""
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
        """Nobody is left running."""
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

    def test_a_cancelled_sender_outlasts_its_thread(self, signal, async_send, run):
        """A sync receiver that has begun has ended before the sender goes on."""
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

    def test_a_sync_send_is_refused_there(self, signal, run):
        """It would have to wait for what the same thread runs."""
        signal.connect(answering_async(1))

        async def main():
            with pytest.raises(RunningLoopError):
                signal.send(None)
            return answers(await signal.asend(None))

        assert run(main()) == [1]

    def test_the_kept_loop_may_be_one(self, signal, run):
        """Where its policy is installed, sync sends run on it, whole."""
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
    """Have new loops made by another package, without its being deprecated told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.set_event_loop_policy(package.EventLoopPolicy())
        try:
            yield
        finally:
            asyncio.set_event_loop_policy(None)


def _own(function):
    """Return another function that does the same."""
    if inspect.iscoroutinefunction(function):

        async def awaited(**kwargs):
            return await function(**kwargs)

        return awaited
    return partial(function)


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
