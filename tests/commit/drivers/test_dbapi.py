"""Connections that have the methods of DB-API and nothing more."""

import asyncio

import pytest

from clarion.commit import atomic
from clarion.errors import TransactionError
from tests.commit.failing import arolled_back, rolled_back

pytestmark = pytest.mark.usefixtures("_plain_python")


class AutocommitOnly:
    """A connection that commits each statement, and has no begin()."""

    autocommit = True

    def commit(self):
        """Commit."""

    def rollback(self):
        """Roll back."""


def test_connection_that_commits_each_statement_is_refused():
    """An autocommit connection is refused because it has no transaction to wait for."""
    with pytest.raises(TransactionError, match=r"commits each statement. Turn autocommit off"):
        atomic(AutocommitOnly()).__enter__()


def test_error_of_a_rollback_hides_nothing(signal, calls):
    """If the rollback fails, the block raises the error that caused the rollback."""

    class Broken(AutocommitOnly):
        autocommit = False

        def rollback(self):
            raise OSError("gone")

    with rolled_back(Broken()):
        signal.send(None, n=1)
    assert calls == []


class Cursor:
    """A cursor that logs statements."""

    def __init__(self, log):
        self.log = log

    async def execute(self, statement):
        self.log.append(statement)

    async def close(self):
        self.log.append("close")


class AsyncConnection:
    """A connection as that of aiomysql: a cursor is awaited, and no transaction begins by itself."""

    def __init__(self):
        self.log = []

    async def begin(self):
        self.log.append("begin")

    async def commit(self):
        self.log.append("commit")

    async def rollback(self):
        self.log.append("rollback")

    async def cursor(self):
        return Cursor(self.log)


def test_async_connection_with_cursors(signal, calls):
    """Savepoints are statements of a cursor."""
    connection = AsyncConnection()

    async def main():
        async with atomic(connection):
            signal.send(None, n=1)
            async with arolled_back():
                signal.send(None, n=2)
            async with atomic():
                signal.send(None, n=3)

    asyncio.run(main())
    assert calls == [1, 3]
    assert [each for each in connection.log if each != "close"] == [
        "begin",
        "SAVEPOINT clarion_1",
        "ROLLBACK TO SAVEPOINT clarion_1",
        "RELEASE SAVEPOINT clarion_1",
        "SAVEPOINT clarion_2",
        "RELEASE SAVEPOINT clarion_2",
        "commit",
    ]
