"""Async connections that are kept for one event loop."""

import asyncio
import gc
import warnings
from contextlib import suppress

import psycopg
import pytest
from psycopg.rows import dict_row

from clarion.outbox.async_pool import AsyncPool
from clarion.outbox.pool import MOST_IDLE
from tests.services import POSTGRES

pytestmark = pytest.mark.service


class Opened:
    """Opens connections, and notes them."""

    def __init__(self):
        self.url = POSTGRES.url()
        self.connections = []

    async def connect(self):
        found = await psycopg.AsyncConnection.connect(self.url, autocommit=True)
        self.connections.append(found)
        return found


def run(use):
    """Await a function with a pool, which is closed afterwards; return what was opened."""
    opened = Opened()

    async def main():
        pool = AsyncPool(opened.connect)
        try:
            await use(pool, opened)
        finally:
            await pool.aclose()

    asyncio.run(main())
    assert all(each.closed for each in opened.connections)
    return opened.connections


async def number(pool):
    """Return the number of the server's process in a transaction."""
    async with pool.transaction() as connection:
        row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
        return row[0]


def test_one_connection_serves_one_call_after_the_other():
    """It is in a transaction during each call, and in none between them."""

    async def use(pool, opened):
        assert len({await number(pool) for _ in range(5)}) == 1
        assert opened.connections[0].info.transaction_status.name == "IDLE"
        assert pool.idle == 1

    assert len(run(use)) == 1


def test_calls_at_the_same_time_have_a_connection_each():
    """At most a few connections are kept afterwards."""

    async def use(pool, opened):
        together = asyncio.Barrier(MOST_IDLE + 2)

        async def call():
            async with pool.transaction():
                await together.wait()

        await asyncio.gather(*[call() for _ in range(MOST_IDLE + 2)])
        assert pool.idle == MOST_IDLE
        assert sum(each.closed for each in opened.connections) == 2

    assert len(run(use)) == MOST_IDLE + 2


def test_a_failed_call_closes_its_connection():
    """What it has written is rolled back, and no other call gets its connection."""

    async def use(pool, opened):
        with pytest.raises(LookupError):
            async with pool.transaction() as connection:
                await connection.execute("CREATE TEMPORARY TABLE failed (n int)")
                raise LookupError
        assert (opened.connections[0].closed, pool.idle) == (True, 0)
        await number(pool)

    assert len(run(use)) == 2


def test_a_broken_connection_is_replaced():
    """The server has ended the idle connections: the next call does not fail."""

    async def use(pool, opened):
        async with pool.transaction(), pool.transaction():
            pass
        assert pool.idle == 2
        async with await psycopg.AsyncConnection.connect(opened.url, autocommit=True) as admin:
            for each in opened.connections:
                await admin.execute(
                    "SELECT pg_terminate_backend(%s, 5000)", [each.info.backend_pid]
                )
        await number(pool)
        assert pool.idle == 1

    assert len(run(use)) == 3


async def _close(connection, _):
    await connection.close()


async def _end_on_server(connection, url):
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        await admin.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
    with suppress(psycopg.Error):
        await connection.execute("SELECT 1")


@pytest.mark.parametrize("lose", [_close, _end_on_server])
def test_a_transaction_that_cannot_commit_is_an_error(lose):
    """The receiver may close its connection, or catch the error of a broken one: its writes are lost."""

    async def use(pool, opened):
        with pytest.raises(psycopg.OperationalError):
            async with pool.transaction() as connection:
                await lose(connection, opened.url)
        assert pool.idle == 0
        await number(pool)

    assert len(run(use)) == 2


def test_an_altered_connection_is_not_kept():
    """A receiver does not get the row factory of another one."""

    async def use(pool, _):
        async with pool.transaction() as connection:
            connection.row_factory = dict_row
        assert pool.idle == 0
        await number(pool)

    assert len(run(use)) == 2


@pytest.mark.parametrize("turns", range(12))
def test_a_cancelled_call_leaves_nothing(turns):
    """It may be cancelled at any moment: no connection goes back in a transaction, and none leaks."""

    async def use(pool, opened):
        await number(pool)  # an idle one
        task = asyncio.ensure_future(number(pool))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        states = [
            each.info.transaction_status.name for each in opened.connections if not each.closed
        ]
        assert states == ["IDLE"] * pool.idle
        await number(pool)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(use)
        gc.collect()


def test_a_server_that_is_away_is_an_error():
    """A new connection that cannot be opened is not tried again and again."""

    async def connect():
        raise psycopg.OperationalError("the server is away")

    async def use():
        async with AsyncPool(connect).transaction():
            pass

    with pytest.raises(psycopg.OperationalError, match="is away"):
        asyncio.run(use())


def test_a_call_that_never_returns_is_closed_at_the_end():
    """Its connection is closed with the others, and not kept if it returns after all."""

    async def use(pool, opened):
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def hang():
            async with pool.transaction():
                begun.set()
                await goes_on.wait()

        task = asyncio.ensure_future(hang())
        await begun.wait()
        await pool.aclose()
        assert opened.connections[0].closed
        goes_on.set()
        await asyncio.wait([task])
        assert pool.idle == 0

    run(use)
