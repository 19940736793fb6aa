"""Calls that wait for a commit."""

import sqlite3
from contextlib import closing

import pytest

from clarion import on_commit
from clarion.commit import atomic, suppressed
from clarion.tail.pending import watch_pending


@pytest.fixture
def connection():
    """Yield a connection to an empty database."""
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


@pytest.fixture
def ended():
    """Return how the watched calls have ended."""
    return []


@pytest.fixture
def watch(ended):
    """Return a function that watches the call of a response."""

    def report(call, outcome, seconds, error):
        ended.append((outcome, seconds is not None, error))

    return lambda response: watch_pending(response, report)


def test_a_call_returns_or_fails(signal, connection, watch, ended, caplog):
    """It is reported with the time of the receiver, and the error."""
    error = ValueError("no")

    @signal.connect(delivery=on_commit)
    def fine(sender, **kwargs): ...

    @signal.connect(delivery=on_commit)
    def broken(sender, **kwargs):
        raise error

    with atomic(connection):
        for _, response in signal.send(None):
            watch(response)
        assert ended == []
    assert ended == [("returned", True, None), ("failed", True, error)]


def test_a_rollback_drops_a_call(signal, connection, watch, ended):
    """It is reported, so that one sees why it has not run."""

    @signal.connect(delivery=on_commit)
    def receiver(sender, **kwargs): ...

    with pytest.raises(KeyError), atomic(connection):
        watch(signal.send(None)[0][1])
        raise KeyError
    assert ended == [("dropped", False, None)]


def test_merged_calls(signal, connection, watch, ended):
    """The earlier one is reported as merged."""

    @signal.connect(delivery=on_commit(coalesce="order_id"))
    def receiver(sender, **kwargs): ...

    with atomic(connection):
        for _ in range(2):
            watch(signal.send(None, order_id=1)[0][1])
    assert [outcome for outcome, *_ in ended] == ["merged", "returned"]


def test_other_responses_are_not_watched(signal, watch, ended):
    """Those of plain receivers, and calls that have ended."""

    @signal.connect(delivery=on_commit)
    def receiver(sender, **kwargs): ...

    watch(None)
    watch(signal.send(None)[0][1])  # no transaction is open
    with suppressed(reason="a test"):
        watch(signal.send(None)[0][1])
    assert ended == []
