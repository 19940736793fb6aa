"""The connections that the threads of a worker take."""

import sqlite3

import pytest

from clarion.outbox import SqliteDatabase, store
from clarion.worker.connections import Connections, in_transaction


@pytest.fixture
def connections(stage):
    """Return the connections to the stage, which are closed at the end."""
    connections = Connections(stage.database)
    yield connections
    connections.close()


def test_a_connection_is_used_again(connections):
    """A returned connection is used again; two blocks at a time use two."""
    with connections.take() as first, connections.take() as second:
        assert first is not second
    with connections.take() as again:
        assert again in {first, second}


def test_a_connection_is_closed_after_an_error(connections):
    """A connection is closed after an error, because it may be lost."""
    with pytest.raises(LookupError), connections.take() as first:
        raise LookupError
    with connections.take() as second:
        assert second is not first
        assert second.rows("now")


def test_the_idle_connections_are_closed_after_an_error(connections):
    """A server that has restarted has ended all of them, so a worker must not try one after the other."""
    with connections.take(), connections.take(), connections.take():
        """Three are idle now."""
    with pytest.raises(LookupError), connections.take():
        raise LookupError
    assert not connections._idle
    with connections.take() as fresh:
        assert fresh.rows("now")


def test_an_error_of_the_database_has_no_other_context(tmp_path):
    """The traceback in a log shows the error of the driver alone."""
    absent = Connections(SqliteDatabase(tmp_path / "gone" / "a.db"))
    with pytest.raises(sqlite3.OperationalError) as error:
        absent.take().__enter__()
    assert error.value.__context__ is None


def test_none_is_kept_after_the_end(connections):
    """After `close` no connection is kept, even one that was in use."""
    with connections.take() as taken:
        connections.close()
    with pytest.raises(Exception):  # noqa: B017, PT011  # each driver has its own
        taken.rows("now")


def test_a_transaction_commits_or_rolls_back(connections):
    """The transaction commits if the function returns, and rolls back if it raises."""
    with connections.take() as connection:
        in_transaction(connection, lambda taken: store.add_partitions(taken, ["mail"]))
        with pytest.raises(LookupError):
            in_transaction(connection, fail)
        count = len(connection.rows("due_partitions", receivers='["mail"]'))
    assert count == 0


def fail(connection):
    """Write, and fail."""
    store.add_partitions(connection, ["log"])
    raise LookupError
