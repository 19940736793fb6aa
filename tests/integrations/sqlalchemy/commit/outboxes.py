"""Engines with the tables of the outbox, and a signal whose deliveries are stored."""

import asyncio

from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from clarion import Signal, durable
from clarion.outbox.adapters import CoreConnection
from clarion.outbox.tables import create_tables
from tests.integrations.sqlalchemy.shop import Base
from tests.savepoints import begin_before_savepoints


def shipped_signal():
    """Return a signal with a durable receiver that is ordered by `order_id`."""

    def ship(sender, order_id, **kwargs):
        raise AssertionError("only a worker calls it")

    signal = Signal(name="shop.order_paid")
    signal.connect(ship, weak=False, delivery=durable(name="ship", key="order_id"))
    return signal


def with_tables(engine):
    """Create the tables of the shop and of the outbox; return the engine."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        create_tables(CoreConnection(connection))
    return engine


def file_engine(path, **options):
    """Return an engine of a new file of SQLite with these tables."""
    return with_tables(create_engine(f"sqlite:///{path}", **options))


def keys(engine):
    """Return the keys of the deliveries that are committed, in order."""
    with engine.connect() as connection:
        query = text("SELECT d.key FROM clarion_delivery d ORDER BY id")
        return [*connection.scalars(query)]


def run_async(url, main, *, begins=False, **options):
    """Run a coroutine function with an async engine.

    Args:
        url: the URL.
        main: the function.
        begins: whether the driver of SQLite begins before a savepoint.
    """

    async def go():
        engine = create_async_engine(url, **options)
        if begins:
            begin_before_savepoints(engine.sync_engine)
        try:
            return await main(engine)
        finally:
            await engine.dispose()

    return asyncio.run(go())
