"""An outbox in PostgreSQL, through psycopg alone."""

import asyncio

import psycopg
import pytest

from clarion.outbox import open_database
from clarion.outbox.tables import create_tables
from tests.services import POSTGRES

pytestmark = pytest.mark.service


def test_a_url_opens_it():
    """Also as SQLAlchemy writes it; the name has no password."""
    url = POSTGRES.url().replace("postgresql://", "postgresql+psycopg://")
    database = open_database(url)
    with psycopg.connect(POSTGRES.url()) as connection:
        name = connection.info.dbname
    assert database.name == f"PostgreSQL's database '{name}'"
    assert (database.dialect, database.provides) == ("postgresql", ("connection",))
    connection = database.connect()
    assert connection.rows("now")
    assert connection.connection.autocommit
    connection.close()


def test_a_password_is_not_shown():
    """Not in the name, and not in the repr."""
    database = open_database("postgresql://shop:secret@db.example/shop")
    assert "secret" not in repr(database) + database.name


def test_a_sync_receiver_has_a_transaction(tmp_path):
    """It commits at the end of the block, and rolls back if it raises."""
    database = open_database(POSTGRES.url())
    with database.transaction() as transaction:
        assert transaction.provided["connection"].info.transaction_status.name == "INTRANS"
        assert transaction.connection.rows("now")
    with pytest.raises(LookupError), database.transaction():
        raise LookupError
    database.close_idle()


def test_an_async_receiver_has_an_async_connection():
    """So that it does not block the event loop."""
    database = open_database(POSTGRES.url())

    async def use():
        async with database.atransaction() as transaction:
            connection = transaction.provided["connection"]
            assert type(connection) is psycopg.AsyncConnection
            assert await transaction.connection.rows("now")
            return connection

    assert asyncio.run(use()).closed


def test_tables_are_created_in_a_schema_of_the_url():
    """Options of libpq are passed on."""
    database = open_database(f"{POSTGRES.url()}?options=-csearch_path%3Dpg_temp")
    connection = database.connect()
    with connection.transaction():
        create_tables(connection)
    connection.close()
