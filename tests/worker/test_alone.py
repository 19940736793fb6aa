"""One job runs while no other one does."""

import threading

import pytest

from clarion.worker import alone
from clarion.worker.alone import FIRST_WAIT, PAUSE, Alone
from tests.worker.stage import in_thread, until


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Look often."""
    monkeypatch.setattr(alone, "BETWEEN_LOOKS", 0.01)


def going_on():
    """Return that the worker does not stop."""
    return False


def test_a_job_waits_until_the_others_have_ended():
    """They see that they are to end, and a new job begins after the release only."""
    turns, acquired, begun = Alone(), threading.Event(), threading.Event()
    for job in ("this", "other"):
        turns.begin(job)
    assert not turns.is_wanted

    def acquire():
        assert turns.acquire("this", going_on)
        acquired.set()

    def begin():
        turns.begin("new")
        begun.set()

    threading.Thread(target=acquire, daemon=True).start()
    until(lambda: turns.is_wanted_by_another("other"))
    assert not acquired.wait(0.1)
    turns.end("other")
    assert acquired.wait(30)
    assert (turns.is_wanted, turns.is_wanted_by_another("this")) == (True, False)
    threading.Thread(target=begin, daemon=True).start()
    assert not begun.wait(0.1)
    turns.release("another")  # it has no effect
    assert not begun.wait(0.1)
    turns.release("this")
    assert begun.wait(30)
    assert not turns.is_wanted


def test_jobs_that_wait_have_their_turn_one_after_the_other():
    """A job that waits for its turn does not run, so it keeps no other one from its turn."""
    turns = Alone()
    together: list[str] = []
    most: list[int] = []

    def run(job):
        turns.begin(job)
        both.wait(30)
        assert turns.acquire(job, going_on)
        together.append(job)
        most.append(len(together))
        together.remove(job)
        turns.release(job)
        turns.end(job)

    both = threading.Barrier(2)
    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in ("a", "b")]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert most == [1, 1]


def test_a_job_that_does_not_end_is_not_waited_for_without_a_limit(monkeypatch):
    """Each wait is twice as long as the last one, until one succeeds."""
    monkeypatch.setattr(alone, "FIRST_WAIT", 0.05)
    turns = Alone()
    turns.begin("this")
    turns.begin("endless")
    assert not turns.acquire("this", going_on)
    assert turns.pause == PAUSE * 0.1
    assert not turns.is_wanted
    turns.end("endless")  # it was left behind
    assert turns.acquire("this", going_on)
    assert turns.pause == PAUSE * 0.05


def test_a_worker_that_stops_ends_the_wait():
    """The next wait is not longer."""
    turns = Alone()
    turns.begin("this")
    turns.begin("endless")
    assert not in_thread(lambda: turns.acquire("this", lambda: True), 5)
    assert turns.pause == PAUSE * FIRST_WAIT


def test_a_job_that_was_left_behind_is_not_alone_any_more():
    """Its receiver has taken longer than its timeout."""
    turns = Alone()
    turns.begin("this")
    assert turns.acquire("this", going_on)
    turns.end("this")
    assert not turns.is_wanted
