"""sqlite3 and aiosqlite: how transactions begin, and savepoints that SQLite ends."""

import sqlite3

import pytest

from clarion.commit import atomic
from clarion.errors import TransactionError
from tests.commit.databases import (
    aiosqlite,
    run,
    sqlite,
)
from tests.commit.failing import arefused, refused, rolled_back

pytestmark = pytest.mark.usefixtures("_plain_python")


def statements(connection, work):
    """Return the statements that work() executes on a connection of sqlite3."""
    found: list[str] = []
    connection.set_trace_callback(found.append)
    work()
    connection.set_trace_callback(None)
    return found


@pytest.mark.parametrize(
    ("level", "begin"), [("", "BEGIN"), (None, "BEGIN"), ("EXCLUSIVE", "BEGIN EXCLUSIVE")]
)
def test_transaction_begins_as_the_isolation_level_says(level, begin):
    """The first statement is the BEGIN of the connection's isolation level."""
    with sqlite(isolation_level=level) as database:

        def work():
            with atomic(database.connection):
                pass

        first, *_ = statements(database.connection, work)
        assert first.strip() == begin


def test_savepoints_are_released_once_rolled_back():
    """A rolled-back savepoint is released, so that a transaction does not keep thousands."""
    with sqlite() as database:

        def work():
            with atomic(database.connection), rolled_back():
                pass

        found = statements(database.connection, work)
        assert found[2:4] == ["ROLLBACK TO SAVEPOINT clarion_1", "RELEASE SAVEPOINT clarion_1"]


def test_transaction_that_sqlite_ends_is_refused(signal, calls):
    """INSERT OR ROLLBACK ends the transaction and its savepoints."""
    with sqlite() as database:
        with refused(TransactionError, "rollback of a savepoint in it failed", database.connection):
            database.add(1)
            signal.send(None, n=1)
            with pytest.raises(sqlite3.IntegrityError), atomic():
                database.execute("INSERT OR ROLLBACK INTO t (id) VALUES (1)")
        assert calls == []
        assert database.rows() == []


def test_async_transaction_that_sqlite_ends_is_refused(signal, calls):
    """The block of aiosqlite raises, as that of sqlite3."""

    async def main(database):
        async with arefused(
            TransactionError, "rollback of a savepoint in it failed", database.connection
        ):
            await database.add(1)
            signal.send(None, n=1)
            with pytest.raises(sqlite3.IntegrityError):
                async with atomic():
                    await database.execute("INSERT OR ROLLBACK INTO t (id) VALUES (1)")
        assert calls == []
        assert await database.rows() == []

    run(aiosqlite, main)
