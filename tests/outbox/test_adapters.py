"""Connections of each family of drivers as connections of the outbox."""

import pytest

from clarion.errors import ArgumentError
from clarion.outbox.adapters import adapt, is_async_connection
from clarion.outbox.connection import DbapiConnection


def test_a_driver_is_recognised(outbox):
    """Connections of sqlite3, psycopg and PyMySQL are recognised."""
    connection = adapt(outbox.opened[0].connection)
    assert isinstance(connection, DbapiConnection)
    assert connection.dialect == outbox.opened[0].dialect
    assert not is_async_connection(connection)
    assert connection.rows("now")


def test_a_connection_of_the_outbox_stays(outbox):
    """A connection of the outbox, which a boundary may return, is returned as it is."""
    assert adapt(outbox.opened[0]) is outbox.opened[0]


def test_anything_else_is_refused():
    """Any other object is refused by its type, and the message lists the drivers."""
    with pytest.raises(ArgumentError, match=r"builtins\.dict.*psycopg"):
        adapt({})
