"""Savepoints that a program sets on the SQLAlchemy connection of an atomic() block."""

import asyncio
import gc

import pytest

from clarion import Signal, on_commit, receiver
from clarion.commit import atomic

pytest.importorskip("sqlalchemy")
pytest.importorskip("greenlet")

from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from clarion.commit.drivers.core_savepoints import foreign_savepoints

paid = Signal()


def begin_really(engine):
    """Let SQLite begin transactions, as SQLAlchemy's manual advises for savepoints."""

    @event.listens_for(engine, "connect")
    def begin_nothing(connection, record):
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection):
        connection.exec_driver_sql("BEGIN")

    return engine


@pytest.fixture
def connection():
    engine = begin_really(create_engine("sqlite://"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def ran():
    """The order_ids of the calls of a receiver that runs after the commit."""
    found = []
    paid.connect(lambda order_id, **kwargs: found.append(order_id), delivery=on_commit)
    return found


def send(order_id):
    ((_, scheduled),) = paid.send(None, order_id=order_id)
    return scheduled


def test_a_rollback_drops_the_calls_in_it(connection, ran):
    """A rollback drops a savepoint's calls; those of a released one wait for the commit."""
    with atomic(connection):
        send(0)
        savepoint = connection.begin_nested()
        scheduled = send(1)
        savepoint.rollback()
        with connection.begin_nested():
            send(2)
        assert ran == []
    assert ran == [0, 2]
    assert scheduled.status == "dropped"


def test_blocks_and_savepoints_may_be_mixed(connection, ran):
    """A call is dropped if any savepoint around its send is rolled back."""
    with atomic(connection):
        outer = connection.begin_nested()
        with atomic(connection):
            send(1)
            with connection.begin_nested():
                send(2)
            with atomic(connection):
                send(3)
        outer.rollback()
        with atomic(connection):
            inner = connection.begin_nested()
            send(4)
            inner.rollback()
            send(5)
        with connection.begin_nested():
            with atomic(connection):
                send(6)
            innermost = connection.begin_nested()
            send(7)
            innermost.rollback()
    assert ran == [5, 6]


def test_a_dropped_call_is_not_merged(connection):
    """A dropped call is not merged: the last committed send counts."""
    found = []

    @receiver(paid, delivery=on_commit(coalesce="sender"))
    def take(order_id, sends, **kwargs):
        found.append((order_id, [each["order_id"] for each in sends]))

    with atomic(connection):
        send(1)
        savepoint = connection.begin_nested()
        send(2)
        savepoint.rollback()
        with connection.begin_nested():
            send(3)
        savepoint = connection.begin_nested()
        send(4)
        savepoint.rollback()
    assert found == [(3, [1, 3])]


def test_an_async_connection(ran):
    """An async connection has the same savepoints."""

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://")
        begin_really(engine.sync_engine)
        async with engine.connect() as connection, atomic(connection):
            savepoint = await connection.begin_nested()
            await paid.asend(None, order_id=1)
            async with atomic(connection):
                await paid.asend(None, order_id=2)
            await savepoint.rollback()
            async with atomic(connection), connection.begin_nested():
                await paid.asend(None, order_id=3)
        await engine.dispose()

    asyncio.run(main())
    assert ran == [3]


def test_a_connection_keeps_nothing_of_the_past(connection, ran):
    """A savepoint is removed with the calls that were sent in it."""
    for _ in range(3):
        with atomic(connection), connection.begin_nested() as savepoint:
            send(1)
            savepoint.rollback()
    gc.collect()
    kept = [value for name, value in vars(connection).items() if "clarion" in name]
    assert [len(each) for each in kept] == [0]


def test_the_search_stops_at_a_savepoint(connection):
    """A send examines the savepoints in its own block only, at any depth."""
    with connection.begin():
        savepoints = [connection.begin_nested() for _ in range(50)]
        assert foreign_savepoints(connection, (), savepoints[-1]) == []
        assert len(foreign_savepoints(connection, (), savepoints[9])) == 40
        assert len(foreign_savepoints(connection, savepoints[:20])) == 30
