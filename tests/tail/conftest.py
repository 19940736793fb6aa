"""Signals, readers and servers for the tests."""

import os
import resource
import time
from contextlib import contextmanager

import pytest

from clarion import Signal
from clarion.tail import serve_tail
from clarion.tail.client import TailReader
from clarion.tail.recorder import recorder

SECONDS = 20.0  # the longest wait for another thread


@pytest.fixture
def signal():
    """Return a signal with a name."""
    return Signal(name="tests.tail.paid")


class Kept:
    """A reader in this process, which keeps the events."""

    def __init__(self):
        self.events = []
        self.lost = 0

    def put(self, event):
        """Keep an event."""
        self.events.append(event)

    def lose(self):
        """Count a lost event."""
        self.lost += 1

    def calls(self):
        """Return receiver, delivery and outcome of each call, and the error."""
        found = [
            call
            for event in self.events
            for call in (event["calls"] if event["kind"] == "send" else [event])
        ]
        return [
            (each["receiver"].rpartition(".")[2], each["delivery"], each["outcome"], each["error"])
            for each in found
        ]


@pytest.fixture
def kept():
    """Return a reader of this process."""
    kept = Kept()
    recorder.add(kept)
    yield kept
    recorder.remove(kept)


@pytest.fixture
def server(tmp_path):
    """Return a server of this process."""
    with serve_tail(tmp_path / "tail") as server:
        yield server


def until(found):
    """Return what a function returns once it is true."""
    end = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.001)
    return value


@contextmanager
def reading(folder):
    """Yield a function that returns the next events, once there are so many."""
    reader = TailReader(folder)
    assert until(reader.search)
    events = []

    def read(count):
        def has_arrived():
            events.extend(reader.events(0.01))
            return len(events) >= count

        until(has_arrived)
        return events

    try:
        yield read
    finally:
        reader.close()


@contextmanager
def no_free_descriptor(after=0):
    """Let this process open no further file, or one only."""
    lowest = os.dup(0)
    os.close(lowest)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + after, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def another_user():
    """Let this process run as a user without rights, if it has those of root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def is_watched(signal):
    """Return whether sends of a signal take the slow path, because something watches."""
    from clarion._core.tabled import table_of

    return bool(table_of(signal).find_route(None).instruments)
