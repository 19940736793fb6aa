"""A pending call as data: its handle, its counts, what it keeps alive, and merging."""

import asyncio
import gc
import threading
import weakref

import pytest

from clarion import on_commit
from clarion.commit import atomic
from clarion.commit.boundary import active_boundaries
from clarion.introspect import registrations
from tests.commit.conftest import counts, only
from tests.commit.failing import BoomError, rolled_back
from tests.core.receivers import Listener, raising

pytestmark = pytest.mark.usefixtures("_plain_python")


class TestScheduled:
    """The response of a send."""

    def test_status_and_response(self, signal, calls):
        """The status is waiting before the commit, and ran after it."""
        with atomic():
            scheduled = only(signal.send(None, n=1))
            assert (scheduled.status, scheduled.response) == ("waiting", None)
            assert repr(scheduled) == "<Scheduled after the commit of an atomic() block: waiting>"
            assert scheduled.boundary == "an atomic() block"
            assert scheduled.reason == "it is the innermost in this context"
        assert (scheduled.status, scheduled.response) == ("ran", 1)
        assert repr(scheduled) == "<Scheduled after the commit of an atomic() block: ran>"
        assert not scheduled.is_at_once

    def test_the_call_behind_it(self, signal, calls):
        """While something keeps it."""
        with atomic():
            scheduled = only(signal.send(None, n=1))
            assert scheduled.pending_call().scheduled is scheduled
        assert scheduled.pending_call() is None

    def test_call_at_once(self, signal, log):
        """The repr and the log show that a call was made at once."""

        def fail(**kwargs):
            raise ValueError("no")

        signal.connect(fail, delivery=on_commit)
        ((_, scheduled),) = signal.send(None, n=1)
        assert scheduled.is_at_once
        assert repr(scheduled) == "<Scheduled at once, because no transaction was open: failed>"
        assert log[0].endswith("failed at once, because no transaction was open")

    def test_without_a_transaction(self, signal, calls):
        """Without a transaction the receiver has run, and the reason says why."""
        scheduled = only(signal.send(None, n=1))
        assert (scheduled.status, scheduled.response) == ("ran", 1)
        assert scheduled.boundary == "no transaction"
        assert "none is open in this context" in scheduled.reason

    def test_failure(self, signal, commit):
        """The response of a failed call is its exception."""
        error = BoomError("no")
        signal.connect(raising(error), delivery=on_commit)
        scheduled = only(commit(signal))
        assert (scheduled.status, scheduled.response) == ("failed", error)

    def test_rollback(self, signal, calls):
        """A rollback sets the status to dropped."""
        with rolled_back():
            scheduled = only(signal.send(None, n=1))
        assert scheduled.status == "dropped"

    def test_call_that_is_deleted(self, signal, calls):
        """A call that no boundary keeps is dropped."""
        block = atomic()
        block.__enter__()
        scheduled = only(signal.send(None, n=1))
        next(active_boundaries()).boundary.calls.clear()  # type: ignore[attr-defined]
        gc.collect()
        assert scheduled.status == "dropped"
        block.__exit__(None, None, None)
        assert calls == []

    @pytest.mark.parametrize("method", ["send", "send_robust", "asend", "asend_robust"])
    def test_every_send_returns_it(self, method, signal, calls):
        """All four sends return the handle of the call."""

        async def main():
            async with atomic():
                response = getattr(signal, method)(None, n=1)
                scheduled = only(await response if method.startswith("a") else response)
                assert scheduled.status == "waiting"
            return scheduled.status

        assert asyncio.run(main()) == "ran"
        assert calls == [1]


class TestCounts:
    """The counts of a receiver."""

    def test_each_status_is_counted(self, signal, calls):
        """A call is counted as scheduled, and then as ran, failed, dropped or merged."""
        signal.connect(raising(BoomError()), delivery=on_commit)
        calls.listen(signal, delivery=on_commit(coalesce="n"))
        with atomic():
            signal.send(None, n=1)
            signal.send(None, n=1)
        with rolled_back():
            signal.send(None, n=1)
        assert counts(signal, 0) == {"scheduled": 3, "ran": 2, "dropped": 1}
        assert counts(signal, 1) == {"scheduled": 3, "failed": 2, "dropped": 1}
        assert counts(signal, 2) == {"scheduled": 3, "ran": 1, "merged": 1, "dropped": 1}

    def test_threads_lose_no_count(self, signal, calls):
        """Four threads count 200 calls."""

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


class TestLifetime:
    """How long receivers and arguments are kept alive."""

    def test_receiver_disconnected_before_the_commit(self, signal, calls):
        """A disconnected receiver still gets the calls of earlier sends."""
        take = calls.listen(signal, name="late")
        with atomic():
            signal.send(None, n=1)
            signal.disconnect(take)
            signal.send(None, n=2)
        assert calls == [1, ("late", 1), 2]

    def test_weak_receiver_is_kept_until_the_commit(self, signal):
        """A weak receiver lives until its call was made, and no longer."""
        calls = []

        class Owner(Listener):
            def method(self, value=None, **kwargs):
                calls.append(value)

        owner = Owner()
        there = weakref.ref(owner)
        signal.connect(owner.method, delivery=on_commit)
        with atomic():
            signal.send(None, value=1)
            del owner
            gc.collect()
            assert there() is not None
        gc.collect()
        assert calls == [1]
        assert there() is None
        assert registrations(signal) == []

    def test_delivery_does_not_keep_the_receiver(self, signal):
        """A weak receiver without calls dies with its object."""
        owner = Listener()
        there = weakref.ref(owner)
        signal.connect(owner.method, delivery=on_commit(coalesce="value"))
        del owner
        gc.collect()
        assert there() is None
        assert registrations(signal) == []

    def test_response_does_not_keep_the_arguments(self, signal, calls):
        """A response keeps no arguments alive after its receiver has run."""

        class Payload:
            """A large object."""

        payload = Payload()
        there = weakref.ref(payload)
        with atomic():
            scheduled = only(signal.send(None, payload=payload))
        del payload
        gc.collect()
        assert scheduled.status == "ran"
        assert there() is None


class TestMerged:
    """Merged calls and their order; test_coalesce.py tests the keys."""

    def test_last_call_runs_at_the_place_of_the_first(self, signal, calls):
        """The last of merged calls runs, at the place of the first, which is merged."""
        calls.clear()
        signal.disconnect(registrations(signal)[0].live())
        calls.listen(signal, delivery=on_commit(coalesce="key"))
        with atomic():
            first = only(signal.send(None, n=1, key="a"))
            signal.send(None, n=2, key="b")
            last = only(signal.send(None, n=3, key="a"))
        assert calls == [3, 2]
        assert (first.status, last.status) == ("merged", "ran")
