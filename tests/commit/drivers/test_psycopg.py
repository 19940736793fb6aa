"""PostgreSQL answers the COMMIT of an aborted transaction with a rollback: sync drivers."""

import pytest

from clarion.commit import atomic
from clarion.errors import TransactionError
from tests.commit.databases import (
    ON_POSTGRES_SYNC,
)
from tests.commit.failing import refused

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.mark.parametrize("make", ON_POSTGRES_SYNC)
def test_aborted_transaction_is_refused(make, signal, calls):
    """The block raises, and no receiver runs."""
    with make() as database:
        with refused(TransactionError, "aborted by an error inside", database.connection):
            database.add(1)
            signal.send(None, n=1)
            with pytest.raises(Exception, match="nonsense"):
                database.execute("nonsense")
        assert calls == []
        assert database.rows() == []


@pytest.mark.parametrize("make", ON_POSTGRES_SYNC)
def test_aborted_savepoint_can_be_rolled_back(make, signal, calls):
    """After that the transaction commits."""
    with make() as database:
        with atomic(database.connection):
            database.add(1)
            signal.send(None, n=1)
            with refused(Exception, "nonsense"):
                signal.send(None, n=2)
                database.execute("nonsense")
        assert calls == [1]
        assert database.rows() == [1]


class Info:
    """The `info` of a psycopg2 connection: in a failed transaction."""

    transaction_status = 3


class Psycopg2:
    """A connection of psycopg2, as far as atomic() uses it."""

    autocommit = False
    info = Info()

    def __init__(self):
        self.calls = []

    def commit(self):
        self.calls.append("commit")

    def rollback(self):
        self.calls.append("rollback")


def test_psycopg2_reports_an_aborted_transaction():
    """psycopg2 has no transaction blocks, but reports the same status."""
    connection = Psycopg2()
    connection.info.transaction_status = 0
    with refused(TransactionError, "aborted by an error inside", connection):
        connection.info.transaction_status = 3
    assert connection.calls == ["rollback"]
