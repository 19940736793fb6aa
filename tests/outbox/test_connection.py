"""Statements and transactions on a connection."""

import sqlite3
from contextlib import closing
from typing import Any

import psycopg
import pymysql  # type: ignore[import-untyped]
import pytest
from psycopg.rows import dict_row

from clarion.outbox import store
from clarion.outbox.connection import has_ended
from clarion.outbox.delivery_row import Target
from tests.reused import mariadb_account
from tests.services import POSTGRES


def _dictionary(cursor, row):
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


# What makes the rows of each driver dictionaries.
DICTIONARIES: dict[str, dict[str, Any]] = {
    "sqlite": {"row_factory": _dictionary},
    "postgresql": {"row_factory": dict_row},
    "mysql": {"cursorclass": pymysql.cursors.DictCursor},
}


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


def test_an_insert_runs_once_for_each_row(connection):
    """`insert` takes the parameters of several executions, and does not commit them."""
    calls = [{"receiver": name, "uid": "a" * 32} for name in ("it's", "50 %", ":uid")]
    with pytest.raises(ZeroDivisionError), connection.transaction():
        connection.insert("receive", calls)
        raise ZeroDivisionError
    with connection.transaction():
        connection.insert("receive", calls[1:])
    with connection.transaction():
        assert [connection.change("receive", **call) for call in calls] == [1, 0, 0]


def test_mariadb_is_not_mysql(connection):
    """The server says which of the two it is."""
    assert connection.is_mariadb == (connection.dialect == "mysql")


def test_its_rows_are_tuples_whatever_the_driver_returns(outbox, connection):
    """A program may have set a row factory on its connection."""
    outbox.publish()
    expected = connection.rows("waiting")
    for name, value in DICTIONARIES[connection.dialect].items():
        setattr(connection.connection, name, value)
    assert connection.rows("waiting") == expected


@pytest.mark.service
@pytest.mark.parametrize("outbox", ["mariadb"], indirect=True)
def test_a_transaction_begins_in_each_mode_of_mariadb(outbox, connection):
    """In the mode ORACLE, BEGIN begins a block of statements."""
    cursor = connection.connection.cursor()
    cursor.execute("SET SESSION sql_mode = 'ORACLE'")
    with pytest.raises(ZeroDivisionError), connection.transaction():
        store.publish(connection, outbox.envelope(), [Target("mail")])
        raise ZeroDivisionError
    outbox.publish()
    assert [each.deliveries for each in store.waiting(connection)] == [1]


@pytest.mark.service
def test_a_closed_connection_is_in_no_transaction():
    """So a delivery is not counted as settled on it."""
    raw = psycopg.connect(POSTGRES.url())
    raw.execute("SELECT 1")
    assert not has_ended(raw)
    raw.close()
    assert has_ended(raw)


def test_a_closed_connection_of_sqlite_is_in_no_transaction():
    """It refuses to say so itself."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    raw.execute("BEGIN")
    assert not has_ended(raw)
    raw.close()
    assert has_ended(raw)


@pytest.mark.service
def test_a_closed_connection_of_mariadb_is_in_no_transaction():
    """Its last status is still that of the transaction."""
    raw = pymysql.connect(**mariadb_account())
    raw.begin()
    assert has_ended(raw) is False
    raw.close()
    assert has_ended(raw)


@pytest.mark.service
def test_psycopg2_reports_the_same_status():
    """As a number, and not as a member of an enumeration."""
    raw = pytest.importorskip("psycopg2").connect(POSTGRES.url())
    with closing(raw), raw.cursor() as cursor:
        assert has_ended(raw)
        cursor.execute("SELECT 1")
        assert not has_ended(raw)
        with pytest.raises(raw.ProgrammingError):
            cursor.execute("SELECT no_such_column")
        assert has_ended(raw)


def test_a_driver_that_reports_no_status_does_not_know():
    """As mysqlclient."""
    assert has_ended(object()) is None
