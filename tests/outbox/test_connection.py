"""Statements and transactions on a connection."""

import pytest

from clarion.outbox import store


def test_a_transaction_is_committed(outbox, connection):
    """After the block another connection sees what was written."""
    outbox.publish()
    assert [each.deliveries for each in store.waiting(outbox.open())] == [1]


def test_a_transaction_is_rolled_back(outbox, connection):
    """If the block raises, nothing is written."""
    with pytest.raises(ZeroDivisionError), connection.transaction():
        store.add_partitions(connection, ["mail"])
        raise ZeroDivisionError
    with connection.transaction():
        assert store.lease_partition(connection, "mail", 0, 1000) is None


def test_the_clock_is_that_of_the_database(outbox, connection):
    """The clock of the database is in milliseconds since 1970."""
    (first,), (second,) = connection.rows("now")[0], connection.rows("now")[0]
    assert 1_700_000_000_000 < first <= second
