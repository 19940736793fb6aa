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
