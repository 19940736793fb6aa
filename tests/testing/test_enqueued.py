"""assert_enqueued: what waits for a durable receiver."""

import asyncio

import pytest

from clarion import durable
from clarion.errors import ArgumentError, BoundaryError, NotSentError
from clarion.outbox import use_database
from clarion.testing import adrain, assert_enqueued, deliveries
from tests.testing.test_deliveries import anote, database, note, order_paid

__all__ = ["database"]  # a fixture


def test_waiting_deliveries_are_found_by_their_arguments(database):
    """In the order of the sends."""
    order_paid.connect(note, delivery=durable(key="number"))
    for number in (1, 2, 1):
        order_paid.send(None, number=number, item="book")
    assert len(assert_enqueued(note)) == 3
    found = assert_enqueued(note, times=2, number=1)
    assert [each["item"] for each in found] == ["book", "book"]
    assert len(assert_enqueued(note, database, key="2")) == 1


def test_a_failure_shows_what_waits(database):
    """With the first arguments."""
    order_paid.connect(note, delivery=durable)
    with pytest.raises(NotSentError, match="0 of 0 that wait"):
        assert_enqueued(note)
    for number in range(5):
        order_paid.send(None, number=number)
    with pytest.raises(
        NotSentError, match=r"(?s)number=7, at least once.*0 of 5 .*number=0"
    ) as info:
        assert_enqueued(note, number=7)
    assert str(info.value).count("\n") == 4


def test_another_receiver_is_refused(database):
    """It may have lost its delivery."""
    order_paid.connect(anote)
    with pytest.raises(ArgumentError, match=r"anote .*no durable delivery"):
        assert_enqueued(anote)


def test_an_assertion_without_a_database_is_refused(database, monkeypatch):
    """Nothing could wait there, so `times=0` would pass whatever the program does."""
    order_paid.connect(note, delivery=durable)
    order_paid.send(None, number=1)
    use_database(None)
    monkeypatch.setattr(deliveries, "providers", list)  # Django may be in use in this thread
    with pytest.raises(BoundaryError, match=r"assert_enqueued\(\) found no database"):
        assert_enqueued(note, times=0)
    assert_enqueued(note, database, times=1)


def test_an_assertion_beside_a_running_loop_names_run_sync(database, monkeypatch):
    """Only a coroutine can use the connection that an AsyncSession has joined."""
    order_paid.connect(note, delivery=durable)
    use_database(None)
    monkeypatch.setattr(deliveries, "providers", list)

    async def main():
        with pytest.raises(BoundaryError, match=r"run_sync\(lambda _: assert_enqueued\("):
            assert_enqueued(note)
        with pytest.raises(BoundaryError, match=r"use_database\(\)\.$"):
            await adrain()

    asyncio.run(main())
