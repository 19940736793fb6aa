"""Connections with transaction() blocks, of drivers that report no status."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

import pytest

from clarion.commit import atomic
from tests.commit.failing import arolled_back, rolled_back

pytestmark = pytest.mark.usefixtures("_plain_python")


class Connection:
    """A connection that logs its blocks."""

    def __init__(self):
        self.log = []

    @contextmanager
    def transaction(self):
        self.log.append("begin")
        try:
            yield
        except Exception:
            self.log.append("rollback")
            raise
        self.log.append("commit")


class AsyncConnection:
    """An async connection that logs its blocks."""

    def __init__(self):
        self.sync = Connection()
        self.log = self.sync.log

    @asynccontextmanager
    async def transaction(self):
        with self.sync.transaction():
            yield

    async def execute(self, statement):
        self.log.append(statement)


WANTED = ["begin", "begin", "commit", "begin", "rollback", "commit"]


def test_blocks_of_the_driver(signal, calls):
    """A savepoint is a block in a block."""
    connection = Connection()
    with atomic(connection):
        with atomic():
            signal.send(None, n=1)
        with rolled_back():
            signal.send(None, n=2)
    assert connection.log == WANTED
    assert calls == [1]


def test_async_blocks_of_the_driver(signal, calls):
    """A connection without commit() is async if its execute() is."""
    connection = AsyncConnection()

    async def main():
        async with atomic(connection):
            async with atomic():
                signal.send(None, n=1)
            async with arolled_back():
                signal.send(None, n=2)

    asyncio.run(main())
    assert connection.log == WANTED
    assert calls == [1]
