"""The longer road: sync and async receivers, awaited by async and by sync senders."""

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from clarion import signal as declare
from clarion._core import loops
from clarion._core.route import SYNC, Stage
from clarion.errors import ArgumentError, RunningLoopError
from clarion.testing import muted
from tests.core.deliveries import Later
from tests.core.receivers import (
    AsyncListener,
    Listener,
    answering,
    answering_async,
    answers,
    collect,
    echo,
    raising,
    raising_async,
)

variable: ContextVar[int] = ContextVar("variable", default=0)


@pytest.fixture(autouse=True)
def _fresh_variable():
    token = variable.set(0)
    yield
    variable.reset(token)


def in_thread():
    """Return which thread runs this."""
    return threading.get_ident()


class Step:
    """A sync receiver that counts in a context variable."""

    def __call__(self, **kwargs):
        variable.set(variable.get() + 1)
        return variable.get()


class AsyncStep:
    """An async receiver that does so."""

    async def __call__(self, **kwargs):
        variable.set(variable.get() + 1)
        return variable.get()


class TestPairs:
    """Every pair of sender and receiver works."""

    def test_sync_and_async_receivers_answer_to_all(self, signal, send):
        """An object whose call is async is awaited, as Django does if it is marked."""
        sync, asynchronous = Listener(), AsyncListener()
        signal.connect(asynchronous)
        signal.connect(sync)
        assert send(signal, value=1) == [(sync, 1), (asynchronous, 1)]

    def test_async_receivers_alone(self, signal, send):
        """Without any sync receiver too."""
        listener = Listener()
        signal.connect(listener.async_method)
        assert send(signal, value=1) == [(listener.async_method, 1)]

    def test_robust_sends_answer_with_errors(self, signal, robust_send):
        """In the order of a send, not of connection."""
        error = ValueError("no")
        failing, sync, asynchronous = raising_async(error), Listener(), AsyncListener()
        for receiver in (failing, asynchronous, sync):
            signal.connect(receiver)
        assert robust_send(signal, value=1) == [(sync, 1), (failing, error), (asynchronous, 1)]

    def test_an_async_receiver_may_await(self, signal, send):
        """It runs on a real event loop."""

        async def receiver(**kwargs):
            await asyncio.sleep(0)
            return asyncio.get_running_loop().is_running()

        signal.connect(receiver)
        assert answers(send(signal)) == [True]


class TestThreads:
    """Where receivers run under asend."""

    def test_sync_receivers_run_in_a_thread(self, signal, async_send):
        """They cannot block the event loop, and async ones stay on it."""

        async def asynchronous(**kwargs):
            return in_thread()

        signal.connect(lambda **kwargs: in_thread())
        signal.connect(asynchronous)
        worker, loop = answers(asyncio.run(async_send(signal)))
        assert worker != loop == in_thread()

    def test_neighbours_share_one_hop(self, signal, async_send, monkeypatch):
        """Sync receivers in a row, whatever their priority, cost one change of thread."""
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
        """A cheap one that says so costs no change of thread."""
        monkeypatch.setattr(loops, "run_in_thread", None)
        signal.connect(lambda **kwargs: in_thread(), inline=True)
        assert answers(asyncio.run(async_send(signal))) == [in_thread()]

    def test_inline_makes_no_difference_to_a_sync_send(self, signal):
        """There it runs where it would run anyway."""
        signal.connect(lambda **kwargs: in_thread(), inline=True)
        signal.connect(lambda **kwargs: in_thread())
        assert answers(signal.send(None)) == [in_thread()] * 2

    def test_a_single_async_receiver_runs_in_the_senders_task(self, signal, async_send):
        """No task is made for it, so it may use the sender's timeouts and transactions."""

        async def receiver(**kwargs):
            return asyncio.current_task()

        async def main():
            return asyncio.current_task(), answers(await async_send(signal))

        signal.connect(receiver)
        task, (heard,) = asyncio.run(main())
        assert heard is task

    def test_the_first_line_runs_as_any_other(self, signal, async_send):
        """Alone or beside others, a receiver has its task, timeouts and task groups at once."""

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

    def test_a_timeout_strikes_the_receiver_that_set_it(self, signal):
        """The task that began a receiver is the one that goes on with it."""

        async def impatient(**kwargs):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            return "in time"

        signal.connect(impatient)
        signal.connect(answering_async("beside"))
        assert answers(asyncio.run(signal.asend(None))) == ["in time", "beside"]

    def test_nothing_happens_before_it_is_awaited(self, signal, async_send):
        """Who listens is asked when the coroutine is awaited, and so is what is refused."""
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

    def test_what_is_never_awaited_is_told_by_python(self, signal, async_send):
        """It is a coroutine as any other, and may be closed instead."""
        async_send(signal).close()
        with pytest.warns(RuntimeWarning, match="coroutine 'asend.*' was never awaited"):
            async_send(signal)

    def test_several_run_in_tasks_of_their_own(self, signal, async_send):
        """And concurrently: each can wait for the other."""

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
        """An async receiver of lower priority begins when those above have ended."""
        told = []

        def receiver(name):
            async def receive(**kwargs):
                told.append(f"{name} begins")
                await asyncio.sleep(0)
                told.append(f"{name} ends")

            return receive

        signal.connect(receiver("low"))
        signal.connect(receiver("high"), priority=1)
        send(signal)
        assert told == ["high begins", "high ends", "low begins", "low ends"]


class TestContext:
    """Context variables go along and come back changed, as in Django 6.1."""

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
        """Receivers see what the sender set and what those before them set; so does the sender."""
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

    def test_also_if_a_receiver_fails(self, signal):
        """What was set before the error is not lost."""

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
        """A receiver that comes back from a thread does not undo what a sibling set meanwhile."""
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

    def test_values_are_told_by_identity(self, signal, send):
        """Values that cannot be compared, or that are equal to the old, come back too."""
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


class TestFailure:
    """An async receiver that fails leaves nothing running."""

    def test_siblings_are_cancelled_and_awaited(self, signal):
        """When asend raises, what ran beside the one that failed has ended."""
        told = []

        async def slow(**kwargs):
            told.append("begun")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                told.append("ended")

        async def failing(**kwargs):
            await asyncio.sleep(0)
            raise ValueError("no")

        async def main():
            tasks = asyncio.all_tasks()
            with pytest.raises(ValueError, match="no"):
                await signal.asend(None)
            return asyncio.all_tasks() - tasks, list(told)

        signal.connect(slow)
        signal.connect(failing)
        signal.connect(slow, sender=None, dispatch_uid="another")
        assert asyncio.run(main()) == (set(), ["begun", "begun", "ended", "ended"])
        with pytest.raises(ValueError, match="no"):
            signal.send(None)
        assert told[4:] == ["begun", "begun", "ended", "ended"]

    def test_several_errors_are_a_group(self, signal, strict_send):
        """Both are there, each with its note."""
        errors = ValueError("one"), KeyError("two")
        for error in errors:
            signal.connect(raising_async(error))
        with pytest.raises(ExceptionGroup, match="several receivers failed") as raised:
            strict_send(signal)
        assert raised.value.exceptions == errors

    def test_an_error_while_being_cancelled_joins_the_group(self, signal, strict_send):
        """A sibling that fails in its cleanup does not hide what came first."""

        async def clumsy(**kwargs):
            try:
                await asyncio.Event().wait()
            finally:
                raise KeyError("cleanup")

        signal.connect(clumsy)
        signal.connect(raising_async(ValueError("first")))
        with pytest.raises(ExceptionGroup) as raised:
            strict_send(signal)
        assert sorted(type(error).__name__ for error in raised.value.exceptions) == [
            "KeyError",
            "ValueError",
        ]

    def test_a_robust_send_cancels_nobody(self, signal, robust_send):
        """An error is an answer, and the siblings go on."""

        async def slow(**kwargs):
            for _ in range(5):
                await asyncio.sleep(0)
            return "slow"

        signal.connect(slow)
        signal.connect(raising_async(ValueError("no")))
        slow_answer, error = answers(robust_send(signal))
        assert slow_answer == "slow"
        assert isinstance(error, ValueError)

    @pytest.mark.parametrize("count", [1, 3])
    def test_a_cancelled_sender_cancels_its_receivers(self, signal, async_send, count):
        """And awaits them, however many there are."""
        told = []

        async def main():
            begun = asyncio.Event()

            async def slow(**kwargs):
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(0)
                    told.append("ended")

            for number in range(count):
                signal.connect(slow, dispatch_uid=("slow", number))
            task = asyncio.ensure_future(async_send(signal))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return len(told)

        assert asyncio.run(main()) == count

    def test_a_sender_that_is_cancelled_twice_waits_still(self, signal, async_send):
        """Nobody is left running, even if the cleanup takes its time."""

        async def main():
            begun, cleaning, clean = asyncio.Event(), asyncio.Event(), asyncio.Event()
            ended = []

            async def slow(**kwargs):
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    cleaning.set()
                    await clean.wait()
                    ended.append(True)

            signal.connect(slow)
            signal.connect(answering_async(1))
            task = asyncio.ensure_future(async_send(signal))
            await begun.wait()
            task.cancel()
            await cleaning.wait()
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
            clean.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            return ended

        assert asyncio.run(main()) == [True]

    def test_a_cancelled_sender_does_not_begin_what_is_left(self, signal, async_send):
        """Receivers of lower priority are not called after the cancellation."""
        calls: list[object] = []

        async def main():
            begun = asyncio.Event()

            async def slow(**kwargs):
                begun.set()
                await asyncio.Event().wait()

            signal.connect(slow, priority=1)
            signal.connect(lambda **kwargs: calls.append(1))
            task = asyncio.ensure_future(async_send(signal))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert calls == []

    def test_a_receiver_that_cancels_itself_ends_the_send(self, signal, async_send):
        """Cancellation is no error to collect; the siblings are cancelled too."""
        told = []

        async def slow(**kwargs):
            try:
                await asyncio.Event().wait()
            finally:
                told.append("ended")

        async def main():
            with pytest.raises(asyncio.CancelledError):
                await async_send(signal)

        signal.connect(slow)
        signal.connect(raising_async(asyncio.CancelledError()))
        asyncio.run(main())
        assert told == ["ended"]

    def test_stop_iteration_cannot_leave_a_coroutine(self, signal):
        """Python turns it into a RuntimeError, whose cause still has the note."""
        for number, options in enumerate([{}, {"inline": True}]):
            signal.connect(raising(StopIteration(7)), sender=str(number), **options)
            with pytest.raises(RuntimeError, match="StopIteration") as raised:
                asyncio.run(signal.asend(str(number)))
            cause = raised.value.__cause__
            assert isinstance(cause, StopIteration)
            assert len(cause.__notes__) == 1
            (response,) = answers(asyncio.run(signal.asend_robust(str(number))))
            assert response is cause


class TestRunningLoop:
    """A send inside a running loop cannot await."""

    @pytest.mark.parametrize("kind", ["send", "send_robust"])
    def test_it_is_refused_before_anybody_is_called(self, make, kind):
        """The error names the signal and the receivers, and says what to use."""
        signal = make(name="shop.paid")
        calls: list[object] = []
        listener = AsyncListener()
        signal.connect(lambda **kwargs: calls.append(1), priority=9)
        signal.connect(listener)
        signal.connect(Listener().async_method, weak=False, once=True)

        async def main():
            getattr(signal, kind)(None)

        with pytest.raises(RunningLoopError, match=r"shop\.paid.*await signal\.asend") as raised:
            asyncio.run(main())
        assert isinstance(raised.value, RuntimeError)
        one, two = raised.value.receivers
        assert "AsyncListener" in one
        assert "async_method" in two
        assert all(receiver in str(raised.value) for receiver in (one, two))
        assert calls == []
        assert len(answers(signal.send(None, value=1))) == 3

    def test_sync_receivers_alone_are_called(self, signal):
        """A running loop is no reason to refuse what needs none."""

        async def main():
            return answers(signal.send(None))

        signal.connect(answering("strong_receivers"))
        signal.connect(answering("once"), once=True)
        assert asyncio.run(main()) == ["strong_receivers", "once"]

    def test_receivers_of_other_senders_do_not_matter(self, signal):
        """Only those who would be called are counted."""

        async def main():
            return signal.send("phone")

        signal.connect(answering_async(1), sender="web")
        assert asyncio.run(main()) == []

    def test_those_who_have_died_do_not_matter(self, signal):
        """Nor those who died since the route was built."""
        listener = Listener()
        signal.connect(listener.async_method)
        signal.send(None)

        async def main(listeners):
            listeners.clear()
            return signal.send(None)

        listeners = [listener]
        del listener
        assert asyncio.run(main(listeners)) == []

    def test_an_async_receiver_may_send_what_is_sync(self, signal, other):
        """Inside the loop that a sync send runs, another sync send works."""

        async def receiver(**kwargs):
            return answers(other.send(None))

        signal.connect(receiver)
        other.connect(answering("inner"))
        assert answers(signal.send(None)) == [["inner"]]

    def test_a_worker_thread_has_no_running_loop(self, signal, other):
        """A sync receiver of asend may send to async receivers."""
        signal.connect(lambda **kwargs: answers(other.send(None)))
        other.connect(answering_async("inner"))
        assert answers(asyncio.run(signal.asend(None))) == [["inner"]]


class TestOnce:
    """once=True where several sends go on at a time."""

    def test_of_concurrent_asends_one_is_heard(self, signal, async_send):
        """However many tasks send at once, it is called once."""

        async def slow(**kwargs):
            await asyncio.sleep(0)
            return "heard"

        async def main():
            return await asyncio.gather(*(async_send(signal) for _ in range(20)))

        signal.connect(slow, once=True)
        signal.connect(answering("sync"), once=True)
        heard = [response for responses in asyncio.run(main()) for response in answers(responses)]
        assert sorted(heard) == ["heard", "sync"]

    def test_of_a_refused_send_none_is_spent(self, signal):
        """A send that raises before it calls anybody takes nobody's only call."""

        async def main():
            with pytest.raises(RunningLoopError):
                signal.send(None)

        signal.connect(answering("sync"), once=True)
        signal.connect(answering_async("async"), once=True)
        asyncio.run(main())
        assert answers(signal.send(None)) == ["sync", "async"]

    def test_who_has_just_been_called_needs_no_loop(self, signal):
        """A send that comes between the call and the leave of another is not refused."""

        async def receiver(**kwargs):
            return None

        async def main():
            (registration,) = signal._table.registrations()
            assert registration.claim()
            return signal.send(None)

        signal.connect(receiver, once=True)
        assert asyncio.run(main()) == []

    def test_who_connects_again_while_being_called_is_not_taken_out(self, signal):
        """The registration that leaves is the one that was called, not its successor."""
        receiver = answering(1)
        signal.connect(receiver, once=True)
        (registration,) = signal._table.registrations()
        claim = registration.claim

        class Interfering:
            """Stands for another thread that is quicker."""

            def __getattr__(self, name):
                return getattr(registration, name)

            def claim(self):
                claimed = claim()
                signal.disconnect(receiver)
                signal.connect(receiver)
                return claimed

        interfering: Any = Interfering()
        signal._table.find_route(None)._stages = (Stage(SYNC, (interfering,)),)
        assert answers(signal.send(None)) == [1]
        assert answers(signal.send(None)) == [1]
        assert signal.disconnect(receiver)


class TestDeliveries:
    """Receivers that are delivered to in their own time."""

    def test_the_answer_is_the_deliverys(self, signal, send):
        """In the place of the receiver's, in the order of a send."""
        later, first, last = Later(), answering(1), answering(2)
        signal.connect(last, priority=-1)
        signal.connect(first, priority=1)
        signal.connect(echo, delivery=later)
        assert answers(send(signal, "web", n=1)) == [1, "kept", 2]
        assert later.run() == [{"signal": signal, "sender": "web", "n": 1}]

    def test_async_receivers_are_left_to_it(self, signal, send):
        """Also a lone one."""
        later, receiver = Later(), answering_async(1)
        signal.connect(receiver, delivery=later)
        assert send(signal) == [(receiver, "kept")]
        assert [kept for kept, _ in later.kept] == [receiver]

    def test_what_it_raises_is_the_receivers_error(self, signal, strict_send):
        """With the note that says which receiver of which signal."""
        error = ValueError("no")
        signal.connect(echo, delivery=Later(error=error))
        with pytest.raises(ValueError, match="no") as caught:
            strict_send(signal)
        assert "receiver tests.core.receivers.echo" in caught.value.__notes__[0]

    def test_a_robust_send_answers_with_it(self, signal, robust_send, caplog):
        """And goes on to the others."""
        error = ValueError("no")
        signal.connect(echo, delivery=Later(error=error))
        signal.connect(answering(1), priority=-1)
        assert answers(robust_send(signal)) == [error, 1]
        assert "echo" in caplog.text

    def test_inside_a_loop_it_is_asked_whether_it_awaits(self, signal):
        """Of an async receiver only; then the send is refused before anybody is called."""
        calls, receiver = [], answering_async(1)
        signal.connect(lambda **kwargs: calls.append(1), priority=1)
        signal.connect(receiver, delivery=(asking := Later(needs_loop=True)))
        signal.connect(echo, delivery=(sync := Later(needs_loop=True)))

        async def main():
            with pytest.raises(RunningLoopError, match="answering_async"):
                signal.send(None)
            assert (calls, asking.kept, sync.kept) == ([], [], [])
            asking.needs_loop = False
            signal.send(None)

        asyncio.run(main())
        assert (len(calls), len(asking.kept), len(sync.kept)) == (1, 1, 1)
        assert (asking.asked, sync.asked) == ([receiver, receiver], [])

    def test_it_may_refuse_before_anybody_is_called(self, signal):
        """What `awaits` raises ends each send inside a loop, robust or not, awaited or not."""
        calls = []
        signal.connect(lambda **kwargs: calls.append(1), priority=1)
        refusing = Later(needs_loop=RunningLoopError("not here"))
        signal.connect(answering_async(1), delivery=refusing)

        async def sent(name):
            await getattr(signal, name)(None)

        async def main():
            for name in ("send", "send_robust", "asend", "asend_robust"):
                with pytest.raises(RunningLoopError, match="not here"):
                    await sent(name)
            return calls

        assert asyncio.run(main()) == []

    def test_who_does_not_hear_is_not_asked(self, signal):
        """A receiver that is muted, or was called once, is no reason to refuse."""
        refusing = Later(needs_loop=RunningLoopError("not here"))
        muted_one, spent = answering_async(1), answering_async(2)
        signal.connect(muted_one, delivery=refusing)
        signal.connect(spent, delivery=refusing, once=True)
        signal._table.registrations()[1].claim()

        async def main():
            with muted(muted_one):
                signal.send(None)
                await signal.asend(None)

        asyncio.run(main())
        assert refusing.asked == []

    def test_once_is_had_when_it_runs(self, signal, send):
        """A send leaves the call, and the registration, to the delivery."""
        later = Later()
        signal.connect(echo, delivery=later, once=True)
        send(signal)
        send(signal)
        (registration,) = signal._table.registrations()
        assert not registration.is_spent
        assert len(later.kept) == 2

    def test_disconnected_it_hears_no_more(self, signal, send):
        """What was kept before is the delivery's."""
        later = Later()
        signal.connect(echo, "web", delivery=later)
        send(signal, "web")
        assert signal.disconnect(echo, "web")
        assert send(signal, "web") == []
        assert len(later.kept) == 1

    def test_a_weak_receiver_that_has_died_is_not_delivered_to(self, signal, send):
        """The delivery does not keep it; one that lives is given to it."""
        later, living, dying = Later(), Listener(), Listener()
        signal.connect(dying.method, delivery=later)
        signal.connect(living.method, delivery=later)
        del dying
        collect()
        assert send(signal, value=1) == [(living.method, "kept")]

    def test_one_that_wants_the_signal_is_given_it(self, send):
        """What a declared signal offers, and what the delivery does."""

        @declare
        def paid(sender: object, *, n: int) -> None:
            """An order was paid."""

        def take(sender, n, signal=None, extra=None):
            return sender, n, signal, extra

        later = Later(provides=("extra",))
        paid.connect(take, delivery=later)
        send(paid, "web", n=1)
        assert later.run() == [("web", 1, paid, "offered")]
