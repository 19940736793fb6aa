"""The events that wait for a reader."""

import json
import socket
from contextlib import closing

import pytest

from clarion.tail.reader import Reader


@pytest.fixture
def pair():
    """Return a reader with room for three events, and the other end of its connection."""
    ours, other = socket.socketpair()
    ours.settimeout(0.0)
    with closing(ours), closing(other):
        yield Reader(ours, 3), other


def lines(other):
    return [json.loads(line) for line in other.recv(10**6).splitlines()]


def test_events_are_lines(pair):
    """In order."""
    reader, other = pair
    for number in range(3):
        reader.put({"number": number})
    assert reader.flush()
    assert lines(other) == [{"number": 0}, {"number": 1}, {"number": 2}]


def test_too_many_events_are_dropped_and_counted(pair):
    """At their place among the others."""
    reader, other = pair
    for number in range(5):
        reader.put({"number": number})
    reader.flush()
    reader.put({"number": 5})
    reader.lose()
    reader.flush()
    found = [each.get("number", each.get("count")) for each in lines(other)]
    assert found == [0, 1, 2, 2, 5, 1]


def test_the_reason_of_dropped_events(pair):
    """Each reason has a count of its own."""
    reader, other = pair
    reader.lose()
    for number in range(5):
        reader.put({"number": number})
    reader.flush()
    reader.flush()
    counts = [(each["reason"], each["count"]) for each in lines(other) if "reason" in each]
    assert counts == [("broken", 1), ("slow", 3)]


def test_the_bytes_that_wait_are_bounded():
    """The bytes that wait are bounded, and what is written leaves space for the next ones."""
    ours, other = socket.socketpair()
    ours.settimeout(0.0)
    with closing(ours), closing(other):
        reader = Reader(ours, most_bytes=1000)
        reader.put({"text": "x" * 1000})
        for _ in range(5):
            reader.put({"text": "x" * 300})
        reader.flush()
        for _ in range(3):
            reader.put({"text": "x" * 300})
        reader.flush()
        kept = [each.get("count", "kept") for each in lines(other)]
    assert kept == [1, "kept", "kept", 3, "kept", "kept", "kept"]


def test_a_slow_reader_blocks_nothing(pair):
    """What does not fit into its connection waits, and arrives later as a whole."""
    reader, other = pair
    large = {"text": "x" * 1_000_000}
    for _ in range(3):
        reader.put(large)
        assert reader.flush()
    reader.put(large)
    received = b""
    while received.count(b"\n") < 4:
        received += other.recv(10**6)
        assert reader.flush()
    assert [json.loads(line) for line in received.splitlines()] == [large] * 4


def test_a_reader_that_has_gone(pair):
    """It is noticed by the next write or read."""
    reader, other = pair
    assert reader.hears()
    other.send(b"x")
    assert reader.hears()
    other.close()
    reader.put({})
    assert not reader.flush()
    assert not reader.hears()
