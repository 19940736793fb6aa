"""A pending call as data: its handle, its counts, what it keeps alive, and merging."""

import asyncio
import gc
import threading
import weakref

import pytest

from clarion import Signal, on_commit, receiver
from clarion.commit import atomic
from clarion.commit.boundary import active_boundaries
from clarion.introspect import registrations
from tests.commit.conftest import counts, only
from tests.commit.failing import BoomError, rolled_back
from tests.core.receivers import Listener, raising

pytestmark = pytest.mark.usefixtures("_plain_python")


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
        assert repr(scheduled) == "<Scheduled at once, because no transaction was open: failed>"
        assert log[0].endswith("failed at once, because no transaction was open")

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
