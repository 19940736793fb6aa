"""Operations of the store on a receiver's async connection."""

import asyncio
from typing import Any

import pytest

from clarion.outbox import async_store, store
from clarion.outbox.adapters import adapt
from clarion.outbox.delivery_row import Target, partition_of
from tests.outbox.databases import outbox_on


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
)
def test_they_are_as_those_of_the_store(database, tmp_path):
    """Publish, hold, settle and unblock do the same as those of the store."""
    aiosqlite = pytest.importorskip("aiosqlite")
    with outbox_on(database, tmp_path) as outbox:
        connection = outbox.opened[0]
        with connection.transaction():
            store.add_partitions(connection, ["mail"])
            held: Any = store.lease_partition(connection, "mail", partition_of("a"), 60_000)

        async def use(other):
            await async_store.apublish(other, outbox.envelope(n=1), [Target("mail", "a")])
            assert await async_store.ahold_partition(other, held)
            assert not await async_store.ahold_partition(other, held._replace(epoch=99))
            await async_store.aunblock(other, "mail", "a")

        async def settle(other, claims):
            assert await async_store.asettle(other, claims) == 1
            assert await async_store.asettle(other, claims) == 0

        async def run():
            raw = await opened()
            async with raw:
                other = adapt(raw)
                await use(other)
                await raw.commit()
                await settle(other, store.window(connection, held, 10))
                await raw.commit()

        def opened():
            if database == "sqlite":
                return ready(aiosqlite.connect(tmp_path / "outbox.db"))
            psycopg = pytest.importorskip("psycopg")
            return psycopg.AsyncConnection.connect(outbox.opened[0].connection.info.dsn)

        asyncio.run(run())
        assert store.waiting(connection) == []


async def ready(value):
    """Return a value."""
    return value
