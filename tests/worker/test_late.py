"""Receivers that are over their time limit, while their transactions take long to be ended."""

import threading

import pytest

from clarion import Signal, durable
from clarion.outbox import store
from clarion.worker import ending, late
from clarion.worker.settler import Settler
from tests.threads import no_more_threads
from tests.worker.stage import in_thread, note, select, until, until_empty, worker

SAME = {"effects": "same database", "timeout": 1.0, "retries": 0}


class SlowEnds:
    """The ends of connections to a server that answers late.

    Attributes:
        begun: how many have begun.
        may_go_on: set to let them end.
    """

    def __init__(self, patch):
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Event()
        end = ending.ServerEnd.end

        def end_later(this):
            self.begun.release()
            self.may_go_on.wait(60)
            end(this)

        patch.setattr(ending.ServerEnd, "end", end_later)

    def wait_for(self, count):
        """Wait until so many have begun."""
        for _ in range(count):
            assert self.begun.acquire(timeout=30)


@pytest.fixture
def slow_ends(monkeypatch):
    """Yield the ends of connections, which take long."""
    ends = SlowEnds(monkeypatch)
    yield ends
    ends.may_go_on.set()


@pytest.fixture
def leave():
    """Yield an event that lets the late receivers return at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def connect_late(paid, count, leave):
    """Connect receivers that hang in their transactions."""

    def hang(sender, n, connection, **kwargs):
        note(connection, "late", "", n)
        leave.wait(60)

    for number in range(count):
        paid.connect(
            hang, weak=False, dispatch_uid=number, delivery=durable(name=f"late{number}", **SAME)
        )


def test_other_work_goes_on_while_late_receivers_are_ended(server_stage, paid, slow_ends, leave):
    """Several late receivers are ended; meanwhile others are called, and leases are renewed."""
    stage, seen, holds = server_stage, [], threading.Event()
    connect_late(paid, 3, leave)
    sent = Signal(name="scenario.sent")
    sent.connect(lambda n, **kw: seen.append(n), weak=False, delivery=durable(name="other"))

    @paid.connect(delivery=durable(name="holds"))
    def hold(sender, n, **kwargs):
        holds.wait(60)

    def end_of_lease():
        with stage.connected() as connection:
            found = "SELECT min(visible_at) FROM clarion_delivery WHERE receiver = 'holds'"
            return select(connection.connection, found)[0][0]

    stage.send(paid, [{"n": 1}])
    with worker(stage, lease=3.0, poll=0.05) as running:
        slow_ends.wait_for(3)
        before = end_of_lease()
        until(lambda: end_of_lease() > before)
        stage.send(sent, [{"n": 2}])
        until(lambda: seen == [2])
        assert running.counts["dead"] == 0
        slow_ends.may_go_on.set()
        until(lambda: running.counts["dead"] == 3)
        holds.set()
        until(lambda: stage.waiting() == (0, 3))
    assert stage.effects("late") == []


def test_a_drain_waits_for_the_ends(server_stage, paid, slow_ends, leave):
    """Late receivers are recorded before `drain` and `once` return."""
    stage = server_stage
    connect_late(paid, 2, leave)
    for drain in (worker(stage).drain, worker(stage).once):
        stage.send(paid, [{"n": 1}])
        timer = threading.Thread(target=lambda: (slow_ends.wait_for(2), slow_ends.may_go_on.set()))
        timer.start()
        counts = in_thread(drain, seconds=60)
        timer.join(30)
        assert counts["dead"] == 2
    assert stage.waiting() == (0, 4)


def test_few_threads_end_many_late_receivers(server_stage, paid, slow_ends, leave, monkeypatch):
    """The others wait for their turn, and none is forgotten."""
    monkeypatch.setattr(late, "MOST_THREADS", 2)
    stage = server_stage
    connect_late(paid, 5, leave)
    stage.send(paid, [{"n": 1}])
    with worker(stage, poll=0.05) as running:
        slow_ends.wait_for(2)
        until(lambda: not running._job_threads.jobs())
        threads = [each.name for each in threading.enumerate() if each.name == "clarion-late"]
        assert len(threads) == 2
        slow_ends.may_go_on.set()
        until(lambda: running.counts["dead"] == 5)
    until_empty(stage)
    assert stage.waiting() == (0, 5)


def test_a_worker_does_not_claim_a_late_delivery_again(stage, paid, leave, monkeypatch):
    """No lease was renewed while the receiver hung in its transaction; all is made in the end."""
    calls = []

    @paid.connect(delivery=durable(name="late", **SAME))
    def hang(sender, n, **kwargs):
        calls.append(n)
        if n == 0:
            leave.wait(60)

    def is_leased():
        with stage.connected() as connection:
            return store.due_receivers(connection, ["late"]) == []

    class LateSettler(Settler):
        def add(self, outcome):
            until(is_leased)  # after the end of its transaction, by a renewal or a claim
            for _ in range(10):
                running._job_threads.cooldowns.note(("late", None), has_worked=False)
            return super().add(outcome)

    monkeypatch.setattr(late, "Settler", LateSettler)
    stage.send(paid, [{"n": n} for n in range(3)])
    running = worker(stage, lease=0.5)
    counts = in_thread(running.drain, seconds=60)
    assert calls == [0, 1, 2]
    assert (counts["made"], counts["dead"]) == (2, 1)
    assert stage.waiting() == (0, 1)


def test_without_a_thread_the_worker_records_a_late_call_itself(stage, paid, leave):
    """If the system has no more threads, the worker is not left busy."""
    paid.connect(
        lambda n, **kw: leave.wait(60),
        weak=False,
        delivery=durable(name="mail", timeout=0.3, retries=0),
    )
    stage.send(paid, [{"n": 1}])
    with no_more_threads("clarion-late") as refused:
        counts = in_thread(worker(stage).drain, seconds=60)
    assert (counts, refused, stage.waiting()) == ({"dead": 1}, ["clarion-late"], (0, 1))
