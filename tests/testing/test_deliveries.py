"""drain: the stored deliveries inside a test."""

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from clarion import Signal, durable
from clarion.errors import BoundaryError, RunningLoopError
from clarion.outbox import use_database
from clarion.outbox.open import open_database
from clarion.outbox.tables import create_tables
from clarion.testing import adrain, commits, deliveries, drain, restored

order_paid = Signal(name="shop.order_paid")
calls: list[object] = []


def note(number, attempt, **kwargs):
    """Note the number; fail if it is none."""
    calls.append((number, attempt))
    if number is None:
        raise ValueError("no number")


async def anote(number, **kwargs):
    """Note the number."""
    calls.append(number)


@pytest.fixture
def database(tmp_path):
    """A database for the sends of the test, and no connected receiver after it."""
    found: Any = open_database(f"sqlite:////{tmp_path}/outbox.db")
    connection = found.connect()
    with connection.transaction():
        create_tables(connection)
    connection.close()
    before = use_database(found)
    calls.clear()
    with restored():
        yield found
    use_database(before)
    found.close_idle()


def test_deliveries_are_made_in_this_thread(database):
    """In the order of their sends, with what a worker provides."""
    order_paid.connect(note, delivery=durable)
    for number in range(3):
        order_paid.send(None, number=number)
    assert drain() == {"made": 3}
    assert calls == [(0, 1), (1, 1), (2, 1)]
    assert drain() == {}


def test_an_error_is_raised_and_the_delivery_stays(database):
    """With a note that names the receiver."""
    order_paid.connect(note, delivery=durable)
    order_paid.send(None, number=None)
    for _ in range(2):
        with pytest.raises(ValueError, match="no number") as info:
            drain()
        assert info.value.__notes__ == [
            f"A stored delivery to {__name__}:note was made by drain()."
        ]
    assert calls == [(None, 1), (None, 1)]


def test_an_error_can_be_stored_as_by_a_worker(database):
    """The delivery waits for its retry, or dies."""
    order_paid.connect(note, delivery=durable(backoff=60.0))
    order_paid.send(None, number=None)
    order_paid.disconnect(note)
    order_paid.connect(note, delivery=durable(backoff=lambda _: 60.0, retries=1))
    assert drain(raises=False) == {"retried": 1}
    assert drain(raises=False) == {}


def test_a_delay_can_be_ended(database):
    """With and without a key; a retry still waits."""
    options: list[dict[str, Any]] = [{}, {"key": "number"}]
    for at, option in enumerate(options):
        order_paid.connect(
            note, sender=at, delivery=durable(delay=3600, name=f"note{at}", **option)
        )
        order_paid.send(at, number=at)
    assert drain() == {}
    assert drain(delayed=True) == {"made": 2}
    assert set(calls) == {(0, 1), (1, 1)}
    order_paid.connect(note, sender="late", delivery=durable(name="late", backoff=lambda _: 60.0))
    order_paid.send("late", number=None)
    assert drain(raises=False, delayed=True) == {"retried": 1}
    assert drain(raises=False, delayed=True) == {}


def test_async_receivers_are_awaited(database):
    """Where no event loop runs."""
    order_paid.connect(anote, delivery=durable)
    order_paid.send(None, number=5)

    async def test():
        for raises in (True, False):
            with pytest.raises(RunningLoopError, match=r"Call `await adrain\(\)`"):
                drain(raises=raises)
        return await asyncio.to_thread(drain)

    assert asyncio.run(test()) == {"made": 1}
    assert calls == [5]


def test_an_async_test_awaits_them(database):
    """Async receivers run in the loop of the test, and sync ones in a thread."""
    order_paid.connect(note, delivery=durable)
    seen = []

    async def where(number, **kwargs):
        seen.append((asyncio.get_running_loop(), variable.get()))
        await order_paid.asend(None, number=0) if number else None

    order_paid.connect(where, delivery=durable(name="where"))
    variable: ContextVar[int] = ContextVar("variable", default=0)

    async def test():
        variable.set(1)
        await order_paid.asend(None, number=1)
        assert await adrain(database) == {"made": 4}
        await order_paid.asend(None, number=None)
        with pytest.raises(ValueError, match="no number") as caught:
            await adrain()
        assert caught.value.__notes__ == [
            "A stored delivery to tests.testing.test_deliveries:note was made by drain()."
        ]
        return asyncio.get_running_loop()

    loop = asyncio.run(test())
    assert [each for each, _ in seen[:2]] == [loop, loop]
    assert calls[:2] == [(1, 1), (0, 1)]


def test_an_async_test_needs_a_database_too(monkeypatch):
    """As `drain`."""

    async def none():
        return []

    monkeypatch.setattr(deliveries, "aoutbox_databases", none)
    with pytest.raises(BoundaryError, match="found no database"):
        asyncio.run(adrain())


def test_a_delivery_with_a_delay_stays(database):
    """Its time has not come."""
    order_paid.connect(note, delivery=durable(delay=60.0))
    order_paid.send(None, number=5)
    assert drain(database) == {}
    connection = database.connect()
    assert len(connection.rows("list_waiting", limit=9)) == 1
    connection.close()


def test_without_a_database_it_is_refused(monkeypatch):
    """It would do nothing, and the test would pass."""
    monkeypatch.setattr(deliveries, "providers", list)  # Django may be in use in this thread
    before = use_database(None)
    try:
        with pytest.raises(BoundaryError, match="no database with an outbox"):
            drain()
    finally:
        use_database(before)


def test_commits_makes_the_deliveries_of_its_block(database):
    """At the end; without a durable receiver it looks for no database."""
    with commits():
        pass
    order_paid.connect(note, delivery=durable)
    with commits():
        order_paid.send(None, number=5)
        assert calls == []
    assert calls == [(5, 1)]
