"""Read the events of programs."""

import threading

import pytest

from clarion.errors import ArgumentError
from clarion.tail import read_tail, serve_tail
from tests.tail.conftest import is_watched, until


def send_when_watched(signal):
    until(lambda: is_watched(signal))
    signal.send(None)


def test_no_program_serves(tmp_path):
    """Without a process there is one sentence."""
    with pytest.raises(ArgumentError, match="No program serves its signals in"):
        next(read_tail(tmp_path))


def test_the_events_end_with_the_last_process(signal, tmp_path):
    """All that was sent before has arrived."""
    with serve_tail(tmp_path / "tail") as server:
        events = read_tail(server.folder)
        thread = threading.Thread(target=send_when_watched, args=(signal,))
        thread.start()
        assert next(events)["signal"] == "tests.tail.paid"
        thread.join()
    assert list(events) == []


def test_it_waits_for_a_process(signal, tmp_path):
    """That begins to serve later."""
    servers = []

    def serve():
        servers.append(serve_tail(tmp_path / "tail"))
        send_when_watched(signal)

    thread = threading.Thread(target=serve)
    thread.start()
    events = read_tail(tmp_path / "tail", wait=True)
    assert next(events)["kind"] == "send"
    thread.join()
    events.close()
    servers[0].close()
