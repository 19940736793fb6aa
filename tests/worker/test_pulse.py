"""When a worker looks for deliveries."""

import signal
import threading
import time

from clarion.worker.pulse import QUICK, SHORTEST, Pulse


def test_a_beat_ends_the_wait():
    """From another thread, and also if it comes before the wait."""
    pulse = Pulse(60.0)
    pulse.beat()
    pulse.wait()
    pulse._interval = 60.0
    threading.Timer(0.01, pulse.beat).start()
    pulse.wait()
    assert pulse._interval == SHORTEST  # as after a beat, and not after the interval


def test_the_interval_grows_while_nothing_happens():
    """And is the shortest again after a beat."""
    pulse = Pulse(SHORTEST * 4)
    for _ in range(5):
        pulse.wait()
    assert pulse._interval == SHORTEST * 4
    pulse.beat()
    pulse.wait()
    assert pulse._interval == SHORTEST


def test_looks_stay_frequent_after_work(monkeypatch):
    """Until the time is over in which the next delivery often comes."""
    pulse = Pulse(60.0)
    pulse.quicken()
    for _ in range(3):
        pulse.wait()
    assert pulse._interval == SHORTEST
    over = time.monotonic() + QUICK
    monkeypatch.setattr(time, "monotonic", lambda: over)
    pulse.wait()
    assert pulse._interval == 2 * SHORTEST


def test_a_wait_ends_at_a_time():
    """A time limit of a receiver may be sooner than the interval."""
    pulse = Pulse(60.0)
    pulse._interval = 60.0
    begun = time.monotonic()
    pulse.wait(begun)
    assert time.monotonic() - begun < 60.0


def test_a_signal_handler_may_beat():
    """It runs in the thread that waits."""
    pulse = Pulse(60.0)
    pulse._interval = 60.0
    before = signal.signal(signal.SIGALRM, lambda number, frame: pulse.beat())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        pulse.wait()
        assert pulse._interval == SHORTEST
    finally:
        signal.signal(signal.SIGALRM, before)
