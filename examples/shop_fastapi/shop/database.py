"""The database of the shop: SQLite or PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from clarion.integrations.sqlalchemy import EngineDatabase, SignalSession
from shop.models import Base, Extra, ExtraTally

EXTRAS = {"bag": "A bag of 23 kg", "meal": "A warm meal", "leg": "Room for the legs"}

# Seconds that a request waits for a connection, or SQLite for another writer. Hundreds of
# requests may wait for one connection.
PATIENCE = 300


class Database:
    """A database, its connections and its sessions.

    Args:
        url: a URL of SQLAlchemy or of PostgreSQL.
        pool_size: the maximum of connections.
    """

    def __init__(self, url: str, pool_size: int = 5) -> None:
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        driver = "sqlite+aiosqlite" if is_sqlite else "postgresql+asyncpg"
        self.engine = create_async_engine(
            parsed.set(drivername=driver),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=PATIENCE,
            connect_args={"timeout": PATIENCE},
        )
        if is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _set_up)
            event.listen(self.engine.sync_engine, "begin", _begin)
        reading = self.engine.execution_options(shop_reads=True)
        options: Any = {"sync_session_class": SignalSession, "expire_on_commit": False}
        self._writers = async_sessionmaker(self.engine, **options)
        self.readers = async_sessionmaker(reading, **options)

    @asynccontextmanager
    async def writing(self, request: str) -> AsyncIterator[AsyncSession]:
        """Commit the writes of a request in the block, unless it raises."""
        async with self._writers(info={"request": request}) as session, session.begin():
            yield session

    def for_receivers(self) -> EngineDatabase:
        """Return the database for durable receivers; they use the same connections."""
        return EngineDatabase(self._writers)

    async def create(self) -> None:
        """Create the tables and the extras, unless they exist."""
        async with self.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with self._writers.begin() as session:
            if await session.get(Extra, "bag") is None:
                for code, name in EXTRAS.items():
                    session.add_all([Extra(code=code, name=name), ExtraTally(code=code, orders=0)])

    async def drop(self) -> None:
        """Drop the tables."""
        async with self.engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)

    async def close(self) -> None:
        """Close the connections."""
        await self.engine.dispose()


def _set_up(connection: Any, record: object) -> None:
    connection.isolation_level = None  # otherwise the driver begins transactions, too late
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")  # readers do not wait for writers
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Any) -> None:
    # SQLite refuses a transaction that reads, and then writes after another one has written.
    reads = connection.get_execution_options().get("shop_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
