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
    def test_failure_stops_no_other_receiver(self, make, signal, calls, commit):
        """After a failure the others run, and the code that commits gets no exception."""
        calls.listen_async(signal, name="async")
        signal.connect(make(BoomError("no")), delivery=on_commit)
        calls.listen(signal, name="last", priority=-1)
        commit(signal, n=1)
        assert calls == [1, ("async", 1), ("last", 1)]

    def test_failure_is_logged(self, signal, commit, caplog):
        """The log names the signal, the receiver, the sender and the keywords, and shows no value."""
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
        ("sender", "shown"),
        [
            (None, "no particular sender"),
            (Secret, f"{Secret.__module__}.Secret"),
            ("web", "a builtins.str"),
        ],
    )
    def test_log_has_the_class_of_the_sender(self, sender, shown, signal, log):
        """The log has the class of the sender, because its repr may be secret."""
        signal.connect(raising(BoomError("no")), delivery=on_commit)
        signal.send(sender)
        assert f"sent by {shown} with no keywords, failed" in log[0]

    def test_log_of_a_keyword_that_is_no_name(self, signal, log):
        """The log does not contain a keyword that can be no parameter, such as a URL."""
        signal.connect(raising(BoomError("no")), delivery=on_commit)
        signal.send(None, **{"sqlite:///secret.db": 1, "order": 2})
        assert "with a str, order, failed" in log[0]

    def test_log_of_a_declared_signal(self, log):
        """The log of a declared signal has the names of its keywords."""

        @declared(name="shop.declared")
        def paid(sender: object, *, order: int) -> None:
            """An order was paid."""

        paid.connect(raising(BoomError("no")), delivery=on_commit)
        with atomic():
            paid.send(Secret, order=42)
        assert f"sent by {Secret.__module__}.Secret with order, failed after the commit" in log[0]

    def test_failure_after_a_robust_send(self, signal):
        """A robust send returns a Scheduled, not the exception of the later call."""
        signal.connect(raising(BoomError("no")), delivery=on_commit)
        assert only(signal.send_robust(None)).status == "failed"


class TestInterruptions:
    """KeyboardInterrupt, SystemExit and cancelled tasks."""

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_interruption_is_raised(self, error, signal, calls, log):
        """An interruption is raised; the calls after it are abandoned, and logged."""
        signal.connect(raising(error()), delivery=on_commit)
        calls.listen(signal, name="last")
        with pytest.raises(error), atomic():
            responses = signal.send(None, n=1)
        assert calls == [1]
        assert [scheduled.status for _, scheduled in responses] == ["ran", "failed", "abandoned"]
        assert counts(signal, 2) == {"scheduled": 1, "abandoned": 1}
        assert "failed after the commit" in log[0]
        assert "does not run after the commit of an atomic() block, which was interrupted" in log[1]

    def test_cancelled_task(self, signal, calls, log):
        """A cancelled task ends; the calls after it are abandoned, and logged."""
        reached = asyncio.Event()

        async def stuck(**kwargs):
            reached.set()
            await asyncio.Event().wait()

        signal.connect(stuck, delivery=on_commit)
        calls.listen(signal, name="last", priority=-1)

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
        assert calls == [1]
        assert counts(signal, 2) == {"scheduled": 1, "abandoned": 1}
        assert "which was interrupted" in log[1]

    def test_cancelled_task_whose_thread_runs(self, signal, calls):
        """A receiver in a thread ends normally; the calls after it are abandoned."""
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

        assert asyncio.run(main()) == ["ran", "abandoned"]
        assert calls == []

    @pytest.mark.parametrize("method", ["send", "asend"])
    def test_cancelled_task_of_a_receiver(self, method, signal, calls):
        """A receiver that awaits a cancelled task has failed, as by any error."""

        async def careless(**kwargs):
            task = asyncio.create_task(asyncio.sleep(60))
            task.cancel()
            await task

        signal.connect(careless, delivery=on_commit)
        calls.listen_async(signal, name="last")

        async def main():
            async with atomic():
                return await signal.asend(None, n=1)

        if method == "send":
            with atomic():
                responses = signal.send(None, n=1)
        else:
            responses = asyncio.run(main())
        assert [scheduled.status for _, scheduled in responses] == ["ran", "failed", "ran"]
        assert calls == [1, ("last", 1)]

    @pytest.mark.parametrize(
        "error",
        [asyncio.CancelledError, concurrent.futures.CancelledError],
        ids=["asyncio", "futures"],
    )
    def test_sync_receiver_that_raises_cancelled_error(self, error, signal, calls, commit):
        """A sync receiver that raises CancelledError has failed, as by any error."""
        signal.connect(raising(error()), delivery=on_commit, priority=1)
        responses = commit(signal, n=1)
        assert [scheduled.status for _, scheduled in responses] == ["failed", "ran"]


class TestOnce:
    """on_commit with once=True."""

    def test_once_is_used_up_by_the_call(self, signal, calls):
        """A rollback does not use up the only call; two sends before one commit make one."""
        calls.listen(signal, once=True, name="once")
        with rolled_back():
            signal.send(None, n=1)
        with atomic():
            first = signal.send(None, n=2)
            second = signal.send(None, n=3)
            assert len(registrations(signal)) == 2
        assert calls == [2, ("once", 2), 3]
        assert [scheduled.status for _, scheduled in first] == ["ran", "ran"]
        assert [scheduled.status for _, scheduled in second] == ["ran", "dropped"]
        assert len(registrations(signal)) == 1
        signal.send(None, n=4)
        assert calls == [2, ("once", 2), 3, 4]

    def test_once_with_async_receivers(self, signal, calls):
        """An async receiver with once=True is awaited once."""
        calls.listen_async(signal, once=True, name="once")

        async def main():
            async with atomic():
                await signal.asend(None, n=1)
                await signal.asend(None, n=2)

        asyncio.run(main())
        assert calls == [1, ("once", 1), 2]

    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_a_response_that_has_not_run_has_failed(self, kind, signal, commit, caplog):
        """A receiver that returns a coroutine or a generator has failed, in every boundary."""

        async def work(**kwargs): ...

        def iterate(**kwargs):
            yield

        async def awork(**kwargs):
            return work()

        if kind == "sync":
            signal.connect(lambda **kwargs: work(), delivery=on_commit)
            signal.connect(lambda **kwargs: iterate(), delivery=on_commit)
        else:
            signal.connect(awork, delivery=on_commit)
        commit(signal)
        for place in range(len(registrations(signal))):
            assert counts(signal, place)["failed"] == 1
        assert "returned a coroutine that nothing awaits" in caplog.text
