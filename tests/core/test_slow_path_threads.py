"""Receivers of an `asend` in worker threads, and their context variables."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from clarion._core import loops
from clarion.errors import ArgumentError
from tests.core.receivers import (
    answering,
    answering_async,
    answers,
    raising,
)

variable: ContextVar[int] = ContextVar("variable", default=0)


@pytest.fixture(autouse=True)
def _fresh_variable():
    token = variable.set(0)
    yield
    variable.reset(token)


def in_thread():
    """Return the thread that runs this."""
    return threading.get_ident()


class Step:
    """A sync receiver that counts in a context variable."""

    def __call__(self, **kwargs):
        variable.set(variable.get() + 1)
        return variable.get()


class AsyncStep:
    """An async receiver that counts in a context variable."""

    async def __call__(self, **kwargs):
        variable.set(variable.get() + 1)
        return variable.get()


class TestThreads:
    """The thread in which asend runs a receiver."""

    def test_sync_receivers_run_in_a_thread(self, signal, async_send):
        """Sync receivers run in a thread, and async ones on the event loop."""

        async def asynchronous(**kwargs):
            return in_thread()

        signal.connect(lambda **kwargs: in_thread())
        signal.connect(asynchronous)
        worker, loop = answers(asyncio.run(async_send(signal)))
        assert worker != loop == in_thread()

    def test_consecutive_receivers_share_one_thread_call(self, signal, async_send, monkeypatch):
        """Consecutive sync receivers share one thread call, whatever their priorities are."""
        hops = []
        run_in_thread = loops.run_in_thread

        async def counted(function):
            hops.append(1)
            return await run_in_thread(function)

        monkeypatch.setattr(loops, "run_in_thread", counted)
        for priority in (3, 2, 1, 1):
            signal.connect(answering(priority), priority=priority)
        signal.connect(answering_async(0))
        signal.connect(answering(-1), priority=-1)
        assert answers(asyncio.run(async_send(signal))) == [3, 2, 1, 1, 0, -1]
        assert len(hops) == 2

    def test_inline_receivers_run_on_the_loop(self, signal, async_send, monkeypatch):
        """An inline receiver runs on the event loop."""
        monkeypatch.setattr(loops, "run_in_thread", None)
        signal.connect(lambda **kwargs: in_thread(), inline=True)
        assert answers(asyncio.run(async_send(signal))) == [in_thread()]

    def test_inline_makes_no_difference_to_a_sync_send(self, signal):
        """A sync send runs inline receivers in its own thread, as all others."""
        signal.connect(lambda **kwargs: in_thread(), inline=True)
        signal.connect(lambda **kwargs: in_thread())
        assert answers(signal.send(None)) == [in_thread()] * 2

    def test_a_single_async_receiver_runs_in_the_senders_task(self, signal, async_send):
        """A single async receiver runs in the sender's task, with its timeouts and transactions."""

        async def receiver(**kwargs):
            return asyncio.current_task()

        async def main():
            return asyncio.current_task(), answers(await async_send(signal))

        signal.connect(receiver)
        task, (heard,) = asyncio.run(main())
        assert heard is task

    def test_the_first_step_runs_in_a_task(self, signal, async_send):
        """The first step of a receiver runs in a task, with timeouts and task groups."""

        async def receiver(**kwargs):
            task = asyncio.current_task()
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                child = group.create_task(asyncio.sleep(0, "child"))
            return asyncio.current_task() is task, child.result()

        async def other(**kwargs):
            return await receiver()

        signal.connect(receiver)
        assert answers(asyncio.run(async_send(signal))) == [(True, "child")]
        signal.connect(other)
        assert answers(asyncio.run(async_send(signal))) == [(True, "child")] * 2

    def test_a_timeout_cancels_its_receiver(self, signal):
        """A timeout cancels the receiver that set it, in the task of its first step."""

        async def with_timeout(**kwargs):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            return "in time"

        signal.connect(with_timeout)
        signal.connect(answering_async("beside"))
        assert answers(asyncio.run(signal.asend(None))) == ["in time", "beside"]

    def test_nothing_happens_before_it_is_awaited(self, signal, async_send):
        """asend looks for receivers, and refuses, only when it is awaited."""
        heard = []

        async def receiver(**kwargs):
            heard.append("receiver")

        async def late(**kwargs):
            heard.append("late")

        async def main():
            sending = async_send(signal)
            assert heard == []
            signal.disconnect(receiver)
            signal.connect(late)
            await sending
            refused = async_send(signal, signal=signal)
            with pytest.raises(ArgumentError):
                await refused

        signal.connect(receiver)
        asyncio.run(main())
        assert heard == ["late"]

    def test_an_unawaited_send_warns(self, signal, async_send):
        """An unawaited asend warns like any coroutine, and can be closed."""
        async_send(signal).close()
        with pytest.warns(RuntimeWarning, match="coroutine 'asend.*' was never awaited"):
            async_send(signal)

    def test_several_run_in_separate_tasks(self, signal, async_send):
        """Several async receivers run concurrently in separate tasks."""

        async def main():
            events = [asyncio.Event(), asyncio.Event()]

            def meeting(mine, other):
                async def receiver(**kwargs):
                    events[mine].set()
                    await events[other].wait()
                    return asyncio.current_task()

                return receiver

            signal.connect(meeting(0, 1))
            signal.connect(meeting(1, 0))
            return answers(await asyncio.wait_for(async_send(signal), 60))

        one, two = asyncio.run(main())
        assert one is not two

    def test_different_priorities_do_not_run_together(self, signal, send):
        """An async receiver of lower priority starts after those of higher priority end."""
        order = []

        def receiver(name):
            async def receive(**kwargs):
                order.append(f"{name} begins")
                await asyncio.sleep(0)
                order.append(f"{name} ends")

            return receive

        signal.connect(receiver("low"))
        signal.connect(receiver("high"), priority=1)
        send(signal)
        assert order == ["high begins", "high ends", "low begins", "low ends"]


class TestContext:
    """Context variables are passed to receivers and copied back, as in Django 6.1."""

    @pytest.mark.parametrize(
        "receivers",
        [
            pytest.param([Step(), Step()], id="sync"),
            pytest.param([AsyncStep(), AsyncStep()], id="async"),
            pytest.param([Step(), AsyncStep()], id="mixed"),
            pytest.param([AsyncStep()], id="one async"),
        ],
    )
    @pytest.mark.parametrize("kind", ["send", "send_robust", "asend", "asend_robust"])
    def test_both_ways(self, signal, receivers, kind):
        """The sender and later receivers get the context variables that receivers set."""
        for receiver in receivers:
            signal.connect(receiver)

        async def awaited():
            variable.set(1)
            responses = await getattr(signal, kind)(None)
            return answers(responses), variable.get()

        def called():
            variable.set(1)
            return answers(getattr(signal, kind)(None)), variable.get()

        heard, after = asyncio.run(awaited()) if kind[0] == "a" else called()
        assert sorted(heard) == list(range(2, len(receivers) + 2))
        assert after == len(receivers) + 1

    def test_a_failing_receiver(self, signal):
        """A failing receiver's context variables are copied back."""

        async def main():
            with pytest.raises(ValueError, match="no"):
                await signal.asend(None)
            return variable.get()

        signal.connect(Step())
        signal.connect(AsyncStep(), priority=1)
        signal.connect(raising(ValueError("no")))
        assert asyncio.run(main()) == 2
        with pytest.raises(ValueError, match="no"):
            signal.send(None)
        assert variable.get() == 2

    def test_concurrent_receivers_keep_each_others_changes(self, signal):
        """A receiver in a thread does not undo the changes of concurrent receivers."""
        one: ContextVar[str] = ContextVar("one", default="unset")
        two: ContextVar[str] = ContextVar("two", default="unset")
        inner = type(signal)()
        entered, leave = threading.Event(), threading.Event()

        def in_worker(**kwargs):
            entered.set()
            assert leave.wait(60)
            two.set("by the worker")

        async def nesting(**kwargs):
            await inner.asend(None)

        async def setting(**kwargs):
            one.set("before")
            await asyncio.to_thread(entered.wait, 60)
            one.set("by the sibling")
            leave.set()

        async def main():
            one.set("by the sender")
            await signal.asend(None)
            return one.get(), two.get()

        inner.connect(in_worker)
        signal.connect(nesting)
        signal.connect(setting)
        assert asyncio.run(main()) == ("by the sibling", "by the worker")

    def test_values_are_compared_by_identity(self, signal, send):
        """A value that is equal to the old one, or not comparable, is copied back."""
        holder: ContextVar[object] = ContextVar("holder")

        class Incomparable:
            def __eq__(self, other):
                raise TypeError("no comparison")

            __hash__ = object.__hash__

        async def receiver(**kwargs):
            holder.set(Incomparable())

        async def main():
            await signal.asend(None)
            await signal.asend(None)
            return holder.get()

        signal.connect(receiver)
        signal.connect(answering_async(1))
        send(signal)
        send(signal)
        assert type(asyncio.run(main())) is Incomparable
        signal.send(None)
        assert type(holder.get()) is Incomparable
