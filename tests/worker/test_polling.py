"""When a worker looks for deliveries."""

import signal
import threading
import time

from clarion.worker.polling import QUICK, SHORTEST, Polling


def test_a_wake_ends_the_wait():
    """A wake ends the wait, from another thread and also before the wait begins."""
    polling = Polling(60.0)
    polling.wake()
    polling.wait()
    polling._interval = 60.0
    threading.Timer(0.01, polling.wake).start()
    polling.wait()
    assert polling._interval == SHORTEST  # as after a wake, and not after the interval


def test_the_interval_grows_while_nothing_happens():
    """The interval doubles while idle, and is the shortest again after a wake."""
    polling = Polling(SHORTEST * 4)
    for _ in range(5):
        polling.wait()
    assert polling._interval == SHORTEST * 4
    polling.wake()
    polling.wait()
    assert polling._interval == SHORTEST


def test_searches_stay_frequent_after_work(monkeypatch):
    """Searches stay frequent for a while after a delivery."""
    polling = Polling(60.0)
    polling.poll_often()
    for _ in range(3):
        polling.wait()
    assert polling._interval == SHORTEST
    over = time.monotonic() + QUICK
    monkeypatch.setattr(time, "monotonic", lambda: over)
    polling.wait()
    assert polling._interval == 2 * SHORTEST


def test_a_wait_ends_at_a_time():
    """A wait ends at the time limit of a receiver, if that is sooner."""
    polling = Polling(60.0)
    polling._interval = 60.0
    begun = time.monotonic()
    polling.wait(begun)
    assert time.monotonic() - begun < 60.0


def test_a_signal_handler_may_wake():
    """A signal handler may wake the thread that waits, in that thread."""
    polling = Polling(60.0)
    polling._interval = 60.0
    before = signal.signal(signal.SIGALRM, lambda number, frame: polling.wake())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        polling.wait()
        assert polling._interval == SHORTEST
    finally:
        signal.signal(signal.SIGALRM, before)
