"""The signals that stop a worker."""

import signal
import threading

import pytest

from clarion.worker.stop_signals import SIGNALS, stop_on_signals


@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_stops(number):
    """Each signal stops the worker, and the former handlers are restored."""
    before, stops = signal.getsignal(number), []
    with stop_on_signals(lambda: stops.append(number)):
        signal.raise_signal(number)
        signal.raise_signal(number)
    assert stops == [number, number]
    assert signal.getsignal(number) is before


def test_another_thread_handles_no_signals():
    """A worker in another thread handles no signals: only the main thread can."""

    def run():
        with stop_on_signals(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    seen: list[object] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_the_end_of_a_terminal_stops():
    """SIGHUP stops the worker in order, instead of ending the process at once."""
    before, stops = signal.signal(signal.SIGHUP, signal.SIG_DFL), []
    try:
        with stop_on_signals(lambda: stops.append(1)):
            signal.raise_signal(signal.SIGHUP)
        assert (stops, signal.getsignal(signal.SIGHUP)) == ([1], signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_hangup_that_is_ignored_stays_ignored():
    """As below nohup, and in a program that uses the signal for something else."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals(lambda: None):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
