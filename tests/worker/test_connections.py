"""The connections that the threads of a worker take."""

import pytest

from clarion.outbox import store
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
