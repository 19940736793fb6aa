"""Transactions that end inside their block: by a statement or by a method."""

from functools import partial

import pytest

from clarion.errors import TransactionError
from tests.commit.databases import (
    ASYNC,
    SYNC,
    run,
)
from tests.commit.failing import arefused, refused

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.mark.parametrize("how", ["ROLLBACK", "COMMIT"])
@pytest.mark.parametrize("make", SYNC)
def test_statement_that_ends_the_transaction_is_refused(make, how, signal, calls):
    """The block raises, and no receiver runs."""
    with make() as database:
        if hasattr(database.connection, "begin_nested"):
            pytest.skip("SQLAlchemy does not look at statements")
        with refused(TransactionError, "ended inside it", database.connection):
            database.add(1)
            signal.send(None, n=1)
            database.execute(how)
        assert calls == []
        assert database.rows() == ([1] if how == "COMMIT" else [])


@pytest.mark.parametrize("how", ["rollback", "commit"])
@pytest.mark.parametrize("make", SYNC)
def test_method_that_ends_the_transaction_is_refused(make, how, signal, calls):
    """The driver refuses the method, or the block raises at its end."""
    with make() as database:
        connection = database.connection
        if getattr(connection, "autocommit", None) in {True, False} and "sqlite" in str(connection):
            pytest.skip("a transaction is always open, or the method does nothing")
        if hasattr(connection, "transaction"):
            pytest.skip("psycopg refuses it itself")
        with refused(TransactionError, "ended inside it", connection):
            database.add(1)
            signal.send(None, n=1)
            getattr(connection, how)()
        assert calls == []
        assert database.rows() == ([1] if how == "commit" else [])


@pytest.mark.parametrize("make", ASYNC)
def test_async_statement_that_ends_the_transaction_is_refused(make, signal, calls):
    """The block of an async connection raises, and no receiver runs."""

    async def main(database):
        if hasattr(database.connection, "begin_nested"):
            await_it = database.connection.rollback
        else:
            await_it = partial(database.execute, "ROLLBACK")
        async with arefused(TransactionError, "ended inside it", database.connection):
            await database.add(1)
            signal.send(None, n=1)
            await await_it()
        assert calls == []
        assert await database.rows() == []

    run(make, main)
