"""What is due after a commit: run in order, one failure stopping no other."""

import asyncio
import concurrent.futures
import gc
import logging
import threading
import weakref
from typing import Any

import pytest

from clarion import Signal, on_commit, receiver
from clarion import signal as declared
from clarion._core import loops
from clarion.commit import Scheduled, atomic
from clarion.commit.boundary import active_boundaries
from clarion.errors import NoLoopError, RunningLoopError
from clarion.introspect import registrations
from tests.commit.conftest import counts
from tests.commit.failing import BoomError, rolled_back
from tests.core.receivers import Listener, raising, raising_async

pytestmark = pytest.mark.usefixtures("_no_doors")


class Secret:
    """A sender that tells too much of itself."""

    def __repr__(self):
        return "s3cret"


def only(responses):
    """Return what a send has answered for the only receiver."""
    ((_, scheduled),) = responses
    assert isinstance(scheduled, Scheduled)
    return scheduled


@pytest.fixture(params=["with", "async with", "no block"])
def commit(request):
    """Send and commit in each way: `commit(signal, sender, **named)`."""

    def block(signal, sender=None, **named):
        with atomic():
            return signal.send(sender, **named)

    def awaited(signal, sender=None, **named):
        async def main():
            async with atomic():
                return await signal.asend(sender, **named)

        return asyncio.run(main())

    def at_once(signal, sender=None, **named):
        return signal.send(sender, **named)

    return {"with": block, "async with": awaited, "no block": at_once}[request.param]


class TestScheduled:
    """What a send answers."""

    def test_it_tells_how_far_it_is(self, signal, heard):
        """From waiting to what became of it, with the answer."""
        with atomic():
            scheduled = only(signal.send(None, n=1))
            assert (scheduled.status, scheduled.response) == ("waiting", None)
            assert repr(scheduled) == "<Scheduled after the commit of an atomic() block: waiting>"
            assert scheduled.boundary == "an atomic() block"
            assert scheduled.reason == "it is the innermost in this context"
        assert (scheduled.status, scheduled.response) == ("ran", 1)
        assert repr(scheduled) == "<Scheduled after the commit of an atomic() block: ran>"
        assert not scheduled.is_at_once

    def test_what_runs_at_once_says_so(self, signal, log):
        """In its repr, and in the log if it fails."""

        def fail(**kwargs):
            raise ValueError("no")

        signal.connect(fail, delivery=on_commit)
        ((_, scheduled),) = signal.send(None, n=1)
        assert scheduled.is_at_once
        assert repr(scheduled) == "<Scheduled at once, for no transaction was open: failed>"
        assert log[0].endswith("failed at once, for no transaction was open")

    def test_outside_of_any_block(self, signal, heard):
        """It has run when the send returns, and the reason says why."""
        scheduled = only(signal.send(None, n=1))
        assert (scheduled.status, scheduled.response) == ("ran", 1)
        assert scheduled.boundary == "no transaction"
        assert "none is open in this context" in scheduled.reason

    def test_a_failure(self, signal, commit):
        """It has the exception for an answer."""
        error = BoomError("no")
        signal.connect(raising(error), delivery=on_commit)
        scheduled = only(commit(signal))
        assert (scheduled.status, scheduled.response) == ("failed", error)

    def test_a_rollback(self, signal, heard):
        """It is dropped, and keeps nothing alive that waited for it."""
        with rolled_back():
            scheduled = only(signal.send(None, n=1))
        assert scheduled.status == "dropped"

    def test_a_boundary_that_vanishes(self, signal, heard):
        """What nobody holds any more cannot run: it is dropped."""
        block = atomic()
        block.__enter__()
        scheduled = only(signal.send(None, n=1))
        next(active_boundaries()).boundary.calls.clear()  # type: ignore[attr-defined]
        gc.collect()
        assert scheduled.status == "dropped"
        block.__exit__(None, None, None)
        assert heard == []

    @pytest.mark.parametrize("method", ["send", "send_robust", "asend", "asend_robust"])
    def test_each_of_the_sends_answers_so(self, method, signal, heard):
        """Robust or not, awaited or not."""

        async def main():
            async with atomic():
                response = getattr(signal, method)(None, n=1)
                scheduled = only(await response if method.startswith("a") else response)
                assert scheduled.status == "waiting"
            return scheduled.status

        assert asyncio.run(main()) == "ran"
        assert heard == [1]


class TestCounts:
    """What a delivery has counted of its receiver."""

    def test_each_way_to_end(self, signal, heard):
        """Scheduled, and then ran, failed, dropped or merged."""
        signal.connect(raising(BoomError()), delivery=on_commit)
        heard.listen(signal, delivery=on_commit(coalesce="n"))
        with atomic():
            signal.send(None, n=1)
            signal.send(None, n=1)
        with rolled_back():
            signal.send(None, n=1)
        assert counts(signal, 0) == {"scheduled": 3, "ran": 2, "dropped": 1}
        assert counts(signal, 1) == {"scheduled": 3, "failed": 2, "dropped": 1}
        assert counts(signal, 2) == {"scheduled": 3, "ran": 1, "merged": 1, "dropped": 1}

    def test_threads_count_together(self, signal, heard):
        """None is lost."""

        def work():
            for n in range(50):
                with atomic():
                    signal.send(None, n=n)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts(signal) == {"scheduled": 200, "ran": 200}


class TestFailures:
    """A receiver that raises."""

    @pytest.mark.parametrize("make", [raising, raising_async])
    def test_it_stops_no_other_and_reaches_nobody(self, make, signal, heard, commit):
        """Others run, before and after; the caller of the commit hears nothing."""
        heard.listen_async(signal, name="async")
        signal.connect(make(BoomError("no")), delivery=on_commit)
        heard.listen(signal, name="last", priority=-1)
        commit(signal, n=1)
        assert heard == [1, ("async", 1), ("last", 1)]

    def test_it_is_logged(self, signal, commit, caplog):
        """With signal, receiver, sender and the names of the keywords, and never a value."""
        signal.connect(raising(BoomError("no")), delivery=on_commit)
        commit(signal, Secret(), card="4111", n=17)
        (record,) = caplog.records
        assert (record.name, record.levelno) == ("clarion", logging.ERROR)
        message = record.getMessage()
        assert "raising.<locals>.receiver of signal shop.paid" in message
        assert f"sent by a {__name__}.Secret with card, n, failed " in message
        assert record.exc_info[0] is BoomError
        for secret in ("4111", "17", "s3cret"):
            assert secret not in caplog.text.replace(__file__, "").split("Traceback")[0]
        (note,) = record.exc_info[1].__notes__
        assert note.startswith("Raised by receiver tests.core.receivers.raising")

    @pytest.mark.parametrize(
        ("sender", "told"),
        [(None, "nobody in particular"), (Secret, f"{__name__}.Secret"), ("web", "a builtins.str")],
    )
    def test_senders_are_told_by_their_class(self, sender, told, signal, log):
        """Of one that is none, the class; for its repr may be anybody's secret."""
        signal.connect(raising(BoomError("no")), delivery=on_commit)
        signal.send(sender)
        assert f"sent by {told} with no keywords, failed" in log[0]

    def test_of_a_declared_signal(self, log):
        """The same is told."""

        @declared(name="shop.declared")
        def paid(sender: object, *, order: int) -> None:
            """An order was paid."""

        paid.connect(raising(BoomError("no")), delivery=on_commit)
        with atomic():
            paid.send(Secret, order=42)
        assert f"sent by {__name__}.Secret with order, failed after the commit" in log[0]

    def test_what_a_robust_send_answers(self, signal):
        """A failure is no error of the send: that was over."""
        signal.connect(raising(BoomError("no")), delivery=on_commit)
        assert only(signal.send_robust(None)).status == "failed"


class TestInterruptions:
    """Exceptions that are no errors."""

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_an_interruption_goes_on(self, error, signal, heard, log):
        """The caller hears of it; those after it are dropped, and that is said."""
        signal.connect(raising(error()), delivery=on_commit)
        heard.listen(signal, name="last")
        with pytest.raises(error), atomic():
            responses = signal.send(None, n=1)
        assert heard == [1]
        assert [scheduled.status for _, scheduled in responses] == ["ran", "failed", "dropped"]
        assert counts(signal, 2) == {"scheduled": 1, "dropped": 1}
        assert "failed after the commit" in log[0]
        assert "does not run after the commit of an atomic() block, which was interrupted" in log[1]

    def test_a_task_that_is_cancelled(self, signal, heard, log):
        """It ends, as it was told to; those after it are dropped, and that is said."""
        reached = asyncio.Event()

        async def stuck(**kwargs):
            reached.set()
            await asyncio.Event().wait()

        signal.connect(stuck, delivery=on_commit)
        heard.listen(signal, name="last", priority=-1)

        async def work():
            async with atomic():
                return await signal.asend(None, n=1)

        async def main():
            task = asyncio.create_task(work())
            await reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert heard == [1]
        assert counts(signal, 2) == {"scheduled": 1, "dropped": 1}
        assert "which was interrupted" in log[1]

    def test_a_task_that_is_cancelled_while_a_thread_runs(self, signal, heard):
        """The receiver that has begun there ends well; those after it are dropped."""
        begun, go = threading.Event(), threading.Event()

        def slow(**kwargs):
            begun.set()
            go.wait(10)
            return "done"

        signal.connect(slow, delivery=on_commit, priority=1)

        async def main():
            async def work():
                async with atomic():
                    statuses.extend(await signal.asend(None, n=1))

            statuses: list[Any] = []
            task = asyncio.create_task(work())
            await asyncio.to_thread(begun.wait)
            task.cancel()
            go.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            return [scheduled.status for _, scheduled in statuses]

        assert asyncio.run(main()) == ["ran", "dropped"]
        assert heard == []

    @pytest.mark.parametrize("method", ["send", "asend"])
    def test_a_task_of_the_receivers_own(self, method, signal, heard):
        """That one of its own is cancelled is a failure as any other."""

        async def careless(**kwargs):
            task = asyncio.create_task(asyncio.sleep(60))
            task.cancel()
            await task

        signal.connect(careless, delivery=on_commit)
        heard.listen_async(signal, name="last")

        async def main():
            async with atomic():
                return await signal.asend(None, n=1)

        if method == "send":
            with atomic():
                responses = signal.send(None, n=1)
        else:
            responses = asyncio.run(main())
        assert [scheduled.status for _, scheduled in responses] == ["ran", "failed", "ran"]
        assert heard == [1, ("last", 1)]

    @pytest.mark.parametrize(
        "error",
        [asyncio.CancelledError, concurrent.futures.CancelledError],
        ids=["asyncio", "futures"],
    )
    def test_a_sync_receiver_that_says_it_was_cancelled(self, error, signal, heard, commit):
        """Nobody cancels sync code, so that is a failure too."""
        signal.connect(raising(error()), delivery=on_commit, priority=1)
        responses = commit(signal, n=1)
        assert [scheduled.status for _, scheduled in responses] == ["failed", "ran"]


class TestAsync:
    """Async receivers."""

    def test_without_a_loop_they_run_on_the_kept_one(self, signal, heard):
        """As under send()."""
        heard.listen_async(signal, name="async")
        with atomic():
            responses = signal.send(None, n=1)
            assert heard == []
        assert heard == [1, ("async", 1)]
        assert [scheduled.status for _, scheduled in responses] == ["ran", "ran"]

    def test_under_plain_with_inside_a_loop_they_are_refused(self, signal, heard):
        """In one sentence, before any receiver is called, and nothing is left unawaited."""
        heard.listen(signal, delivery=None, name="now")
        heard.listen_async(signal, name="async")
        told = r"listen_async.*of signal shop.paid cannot be awaited after the commit of an atomic"

        async def main():
            with atomic():
                for send in (signal.send, signal.send_robust):
                    with pytest.raises(RunningLoopError, match=told):
                        send(None, n=1)
                for asend in (signal.asend, signal.asend_robust):
                    with pytest.raises(RunningLoopError, match=told):
                        await asend(None, n=1)
            assert heard == []

        asyncio.run(main())

    def test_outside_of_a_block_a_send_inside_a_loop_is_refused(self, signal, heard):
        """It would have to await; asend does."""
        heard.listen_async(signal, name="async")

        async def main():
            with pytest.raises(RunningLoopError, match=r"Use `await signal.asend"):
                signal.send(None, n=1)
            assert heard == []
            await signal.asend(None, n=1)
            assert heard == [1, ("async", 1)]

        asyncio.run(main())

    def test_a_send_under_async_with(self, signal, heard):
        """It need not await: the end of the block will."""
        heard.listen_async(signal, name="async")

        async def main():
            async with atomic():
                signal.send(None, n=1)
                with atomic():
                    signal.send(None, n=2)
                assert heard == []
            assert heard == [1, ("async", 1), 2, ("async", 2)]

        asyncio.run(main())

    def test_a_thread_of_a_plain_block_inside_a_loop(self, signal, heard, log):
        """Nobody could refuse it at the send; at the commit it is a failure, and said."""
        heard.listen_async(signal, name="async")

        async def main():
            with atomic():
                await asyncio.to_thread(signal.send, None, n=1)

        asyncio.run(main())
        assert heard == [1]
        assert "failed after the commit" in log[0]
        assert counts(signal, 1) == {"scheduled": 1, "failed": 1}

    def test_sync_ones_run_in_a_thread_and_inline_ones_do_not(self, signal):
        """As under asend."""
        where = []
        signal.connect(lambda **kwargs: where.append(threading.get_ident()), delivery=on_commit)
        signal.connect(
            lambda **kwargs: where.append(threading.get_ident()), delivery=on_commit, inline=True
        )

        async def main():
            async with atomic():
                await signal.asend(None)

        asyncio.run(main())
        assert where[0] != threading.get_ident()
        assert where[1] == threading.get_ident()

    def test_where_there_is_no_thread_to_be_had(self, signal, heard, monkeypatch):
        """A sync receiver fails; the others run, and the commit is no error."""

        async def run_in_thread(function):
            raise NoLoopError("no loop")

        monkeypatch.setattr(loops, "run_in_thread", run_in_thread)
        heard.listen_async(signal, name="async")

        async def main():
            async with atomic():
                return await signal.asend(None, n=1)

        responses = asyncio.run(main())
        assert [scheduled.status for _, scheduled in responses] == ["failed", "ran"]

    def test_they_run_in_order_one_after_the_other(self, signal, heard):
        """Sync and async, whichever takes longer."""
        order = []

        def make(name):
            async def take(**kwargs):
                order.append(f"{name} begins")
                await asyncio.sleep(0)
                order.append(f"{name} ends")

            return take

        for name in "ab":
            signal.connect(make(name), delivery=on_commit)

        async def main():
            async with atomic():
                await signal.asend(None)

        asyncio.run(main())
        assert order == ["a begins", "a ends", "b begins", "b ends"]


class TestOnce:
    """once=True with on_commit."""

    def test_the_call_is_had_when_it_runs(self, signal, heard):
        """A rollback does not spend it; two sends before one commit are one call."""
        heard.listen(signal, once=True, name="once")
        with rolled_back():
            signal.send(None, n=1)
        with atomic():
            first = signal.send(None, n=2)
            second = signal.send(None, n=3)
            assert len(registrations(signal)) == 2
        assert heard == [2, ("once", 2), 3]
        assert [scheduled.status for _, scheduled in first] == ["ran", "ran"]
        assert [scheduled.status for _, scheduled in second] == ["ran", "dropped"]
        assert len(registrations(signal)) == 1
        signal.send(None, n=4)
        assert heard == [2, ("once", 2), 3, 4]

    def test_async_ones_too(self, signal, heard):
        """Awaited once."""
        heard.listen_async(signal, once=True, name="once")

        async def main():
            async with atomic():
                await signal.asend(None, n=1)
                await signal.asend(None, n=2)

        asyncio.run(main())
        assert heard == [1, ("once", 1), 2]


class TestLifetime:
    """Who is kept until when."""

    def test_disconnected_meanwhile(self, signal, heard):
        """A send reaches those who listened when it was made."""
        take = heard.listen(signal, name="late")
        with atomic():
            signal.send(None, n=1)
            signal.disconnect(take)
            signal.send(None, n=2)
        assert heard == [1, ("late", 1), 2]

    def test_a_weak_receiver_is_held_until_then(self, signal):
        """And no longer."""
        heard = []

        class Owner(Listener):
            def method(self, value=None, **kwargs):
                heard.append(value)

        owner = Owner()
        there = weakref.ref(owner)
        signal.connect(owner.method, delivery=on_commit)
        with atomic():
            signal.send(None, value=1)
            del owner
            gc.collect()
            assert there() is not None
        gc.collect()
        assert heard == [1]
        assert there() is None
        assert registrations(signal) == []

    def test_a_delivery_does_not_keep_it(self, signal):
        """Connected and never sent to, it goes with its object."""
        owner = Listener()
        there = weakref.ref(owner)
        signal.connect(owner.method, delivery=on_commit(coalesce="value"))
        del owner
        gc.collect()
        assert there() is None
        assert registrations(signal) == []

    def test_what_was_sent_is_let_go(self, signal, heard):
        """Once the receiver has run, the response keeps none of it."""

        class Payload:
            """Something big."""

        payload = Payload()
        there = weakref.ref(payload)
        with atomic():
            scheduled = only(signal.send(None, payload=payload))
        del payload
        gc.collect()
        assert scheduled.status == "ran"
        assert there() is None


class TestMerged:
    """Coalesced calls, as far as their place goes; the keys are told of in test_delivery."""

    def test_the_last_stands_for_all_in_the_place_of_the_first(self, signal, heard):
        """So others see the same order as without."""
        heard.clear()
        signal.disconnect(registrations(signal)[0].live())
        heard.listen(signal, delivery=on_commit(coalesce="key"))
        with atomic():
            first = only(signal.send(None, n=1, key="a"))
            signal.send(None, n=2, key="b")
            last = only(signal.send(None, n=3, key="a"))
        assert heard == [3, 2]
        assert (first.status, last.status) == ("merged", "ran")

    def test_over_savepoints(self, signal, heard):
        """What was rolled back is not merged."""
        signal.disconnect(registrations(signal)[0].live())
        calls = []

        @receiver(signal, delivery=on_commit(coalesce="key"))
        def take(sends, n, **kwargs):
            calls.append((n, [each["n"] for each in sends]))

        with atomic():
            signal.send(None, n=1, key="a")
            with atomic():
                signal.send(None, n=2, key="a")
            with rolled_back():
                signal.send(None, n=3, key="a")
        assert calls == [(2, [1, 2])]

    def test_each_commit_has_its_own(self, heard):
        """Once per key and commit, and outside of any block at each send."""
        signal = Signal()
        heard.listen(signal, delivery=on_commit(coalesce="key"))
        for n in (1, 2):
            with atomic():
                signal.send(None, n=n, key="a")
        signal.send(None, n=3, key="a")
        signal.send(None, n=4, key="a")
        assert heard == [1, 2, 3, 4]
