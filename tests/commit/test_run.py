"""Running calls after a commit: failures, interruptions, and receivers with once=True."""

import asyncio
import concurrent.futures
import logging
import threading
from typing import Any

import pytest

from clarion import on_commit
from clarion import signal as declared
from clarion.commit import atomic
from clarion.introspect import registrations
from tests.commit.conftest import Secret, counts, only
from tests.commit.failing import BoomError, rolled_back
from tests.core.receivers import raising, raising_async

pytestmark = pytest.mark.usefixtures("_plain_python")


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
        assert f"sent by a {Secret.__module__}.Secret with card, n, failed " in message
        assert record.exc_info[0] is BoomError
        for secret in ("4111", "17", "s3cret"):
            assert secret not in caplog.text.replace(__file__, "").split("Traceback")[0]
        (note,) = record.exc_info[1].__notes__
        assert note.startswith("Raised by receiver tests.core.receivers.raising")

    @pytest.mark.parametrize(
        ("sender", "told"),
        [(None, "no sender"), (Secret, f"{Secret.__module__}.Secret"), ("web", "a builtins.str")],
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
        assert f"sent by {Secret.__module__}.Secret with order, failed after the commit" in log[0]

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
