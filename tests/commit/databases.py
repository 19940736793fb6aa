"""Connections of each kind, each with a table on which a commit can fail."""

import asyncio
import re
import sqlite3
import sys
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

import pytest

from tests.commit.servers import connect_aiomysql, connect_pymysql
from tests.savepoints import begin_before_savepoints
from tests.services import POSTGRES

IS_3_12 = sys.version_info >= (3, 12)


class Sync:
    """A sync connection.

    Attributes:
        connection: the argument of atomic().
        can_fail: whether a COMMIT on it can fail.
    """

    can_fail = True
    select = "SELECT id FROM {table} ORDER BY id"
    insert = "INSERT INTO {table} (id, parent) VALUES ({id}, {parent})"

    def __init__(self, connection: Any, table: str, *, can_fail: bool = True) -> None:
        self.connection = connection
        self.table = table
        self.can_fail = can_fail

    def execute(self, statement):
        """Run a statement, and return the rows."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
        finally:
            cursor.close()

    def add(self, key, parent="NULL"):
        """Add a row. A parent that does not exist makes the commit fail."""
        self.execute(self.insert.format(table=self.table, id=key, parent=parent))

    def rows(self):
        """Return the ids that another transaction would see."""
        found = [row[0] for row in self.execute(self.select.format(table=self.table))]
        self.end()
        return found

    def end(self):
        """End the transaction that a query began."""
        if getattr(self.connection, "in_transaction", True):
            self.connection.rollback()


class SyncAlchemy(Sync):
    """A Connection of SQLAlchemy Core."""

    def execute(self, statement):
        """Run a statement, and return the rows."""
        result = self.connection.exec_driver_sql(statement)
        return result.fetchall() if result.returns_rows else []


class Async(Sync):
    """An async connection."""

    async def execute(self, statement):
        """Run a statement, and return the rows."""
        cursor = await self.connection.execute(statement)
        return await cursor.fetchall() if cursor.description else []

    async def add(self, key, parent="NULL"):
        """Add a row. A parent that does not exist makes the commit fail."""
        await self.execute(self.insert.format(table=self.table, id=key, parent=parent))

    async def rows(self):
        """Return the ids that another transaction would see."""
        found = [row[0] for row in await self.execute(self.select.format(table=self.table))]
        await self.end()
        return found

    async def end(self):
        """End the transaction that a query began."""
        await self.connection.rollback()


class AsyncAlchemy(Async):
    """An AsyncConnection of SQLAlchemy."""

    async def execute(self, statement):
        """Run a statement, and return the rows."""
        result = await self.connection.exec_driver_sql(statement)
        return result.fetchall() if result.returns_rows else []


class AsyncPG(Async):
    """A connection of asyncpg."""

    async def execute(self, statement):
        """Run a statement, and return the rows."""
        return await self.connection.fetch(statement)

    async def end(self):
        """Do nothing, because each query is a transaction."""


class AsyncMysql(Async):
    """A connection of aiomysql."""

    async def execute(self, statement):
        """Run a statement, and return the rows."""
        async with self.connection.cursor() as cursor:
            await cursor.execute(statement)
            return await cursor.fetchall() if cursor.description else []


DEFERRED = (
    "CREATE TABLE {table} (id INTEGER PRIMARY KEY, "
    "parent INTEGER REFERENCES {table} (id) DEFERRABLE INITIALLY DEFERRED)"
)
# MariaDB defers nothing.
PLAIN = "CREATE TABLE {table} (id INTEGER PRIMARY KEY, parent INTEGER) ENGINE=InnoDB"


def table_name():
    """Return a unique name for a table."""
    return f"t_{uuid4().hex[:12]}"


@contextmanager
def sqlite(**options):
    """Yield a connection of sqlite3 in memory."""
    connection = sqlite3.connect(":memory:", **options)
    if options.get("autocommit") is False:
        connection.commit()
        connection.autocommit = True  # the pragma does nothing in a transaction
    connection.execute("PRAGMA foreign_keys = ON")
    if options.get("autocommit") is False:
        connection.autocommit = False
    connection.execute(DEFERRED.format(table="t"))
    connection.commit()
    made = Sync(connection, "t")
    if options.get("isolation_level", "") is None or options.get("autocommit") is True:
        made.end = lambda: None  # type: ignore[method-assign]
    try:
        yield made
    finally:
        connection.close()


@contextmanager
def psycopg(*, autocommit):
    """Yield a connection of psycopg."""
    driver = pytest.importorskip("psycopg")
    name = table_name()
    with driver.connect(POSTGRES.url(), autocommit=autocommit) as connection:
        connection.execute(DEFERRED.format(table=name))
        connection.commit()
        try:
            yield Sync(connection, name)
        finally:
            connection.rollback()
            connection.execute(f"DROP TABLE {name}")


@contextmanager
def pymysql(*, autocommit):
    """Yield a connection of PyMySQL to MariaDB."""
    name = table_name()
    connection = connect_pymysql(autocommit=autocommit)
    made = Sync(connection, name, can_fail=False)
    try:
        made.execute(PLAIN.format(table=name))
        connection.commit()
        yield made
    finally:
        connection.rollback()
        made.execute(f"DROP TABLE {name}")
        connection.close()


@contextmanager
def alchemy(url):
    """Yield a Connection of SQLAlchemy Core."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(url)
    if engine.dialect.name == "sqlite":
        begin_before_savepoints(engine)
    name = table_name()
    try:
        with engine.connect() as connection:
            made = SyncAlchemy(connection, name)
            made.execute(DEFERRED.format(table=name))
            connection.commit()
            yield made
            connection.rollback()
            made.execute(f"DROP TABLE {name}")
            connection.commit()
    finally:
        engine.dispose()


@asynccontextmanager
async def async_alchemy(url):
    """Yield an AsyncConnection of SQLAlchemy."""
    pytest.importorskip("sqlalchemy")
    made_async = pytest.importorskip("sqlalchemy.ext.asyncio")
    if "aiosqlite" in url:
        pytest.importorskip("aiosqlite")
    engine = made_async.create_async_engine(url)
    if engine.dialect.name == "sqlite":
        begin_before_savepoints(engine.sync_engine)
    name = table_name()
    try:
        async with engine.connect() as connection:
            made = AsyncAlchemy(connection, name)
            await made.execute(DEFERRED.format(table=name))
            await connection.commit()
            yield made
            await connection.rollback()
            await made.execute(f"DROP TABLE {name}")
            await connection.commit()
    finally:
        await engine.dispose()


@asynccontextmanager
async def aiosqlite(**options):
    """Yield a connection of aiosqlite in memory."""
    driver = pytest.importorskip("aiosqlite")
    async with driver.connect(":memory:", **options) as connection:
        await connection.execute("PRAGMA foreign_keys = ON")
        await connection.execute(DEFERRED.format(table="t"))
        await connection.commit()
        yield Async(connection, "t")


@asynccontextmanager
async def async_psycopg(*, autocommit):
    """Yield an async connection of psycopg."""
    driver = pytest.importorskip("psycopg")
    name = table_name()
    async with await driver.AsyncConnection.connect(
        POSTGRES.url(), autocommit=autocommit
    ) as connection:
        await connection.execute(DEFERRED.format(table=name))
        await connection.commit()
        try:
            yield Async(connection, name)
        finally:
            await connection.rollback()
            await connection.execute(f"DROP TABLE {name}")


@asynccontextmanager
async def asyncpg(*, pooled=False):
    """Yield a connection of asyncpg, direct or from a pool."""
    driver = pytest.importorskip("asyncpg")
    name = table_name()
    pool = await driver.create_pool(POSTGRES.url(), min_size=1, max_size=1) if pooled else None
    connection = await pool.acquire() if pool else await driver.connect(POSTGRES.url())
    await connection.execute(DEFERRED.format(table=name))
    try:
        yield AsyncPG(connection, name)
    finally:
        await connection.execute(f"DROP TABLE {name}")
        if pool:
            await pool.release(connection)
            await pool.close()
        else:
            await connection.close()


@asynccontextmanager
async def aiomysql(*, autocommit):
    """Yield a connection of aiomysql to MariaDB."""
    connection = await connect_aiomysql(autocommit=autocommit)
    made = AsyncMysql(connection, table_name(), can_fail=False)
    try:
        await made.execute(PLAIN.format(table=made.table))
        yield made
    finally:
        await made.end()
        await made.execute(f"DROP TABLE {made.table}")
        await connection.ensure_closed()


def on_postgres(driver):
    """Return SQLAlchemy's URL of PostgreSQL for a driver."""
    url = POSTGRES.url()
    return f"postgresql+{driver}{url[url.index('://') :]}"


def _service(make, name):
    return pytest.param(make, id=name, marks=pytest.mark.service)


SYNC = [
    pytest.param(sqlite, id="sqlite"),
    pytest.param(lambda: sqlite(isolation_level=None), id="sqlite-none"),
    pytest.param(lambda: sqlite(isolation_level="IMMEDIATE"), id="sqlite-immediate"),
    *(
        pytest.param(
            lambda autocommit=autocommit: sqlite(autocommit=autocommit),
            id=f"sqlite-autocommit-{autocommit}",
            marks=pytest.mark.skipif(not IS_3_12, reason="since Python 3.12"),
        )
        for autocommit in (True, False)
    ),
    _service(lambda: psycopg(autocommit=False), "psycopg"),
    _service(lambda: psycopg(autocommit=True), "psycopg-autocommit"),
    _service(lambda: pymysql(autocommit=False), "pymysql"),
    _service(lambda: pymysql(autocommit=True), "pymysql-autocommit"),
    pytest.param(lambda: alchemy("sqlite://"), id="alchemy-sqlite"),
    _service(lambda: alchemy(on_postgres("psycopg")), "alchemy-postgres"),
]

ASYNC = [
    pytest.param(aiosqlite, id="aiosqlite"),
    pytest.param(lambda: aiosqlite(isolation_level=None), id="aiosqlite-none"),
    _service(lambda: async_psycopg(autocommit=False), "psycopg-async"),
    _service(lambda: async_psycopg(autocommit=True), "psycopg-async-autocommit"),
    _service(asyncpg, "asyncpg"),
    _service(lambda: asyncpg(pooled=True), "asyncpg-pooled"),
    _service(lambda: aiomysql(autocommit=False), "aiomysql"),
    _service(lambda: aiomysql(autocommit=True), "aiomysql-autocommit"),
    pytest.param(lambda: async_alchemy("sqlite+aiosqlite://"), id="alchemy-aiosqlite"),
    _service(lambda: async_alchemy(on_postgres("asyncpg")), "alchemy-asyncpg"),
    _service(lambda: async_alchemy(on_postgres("psycopg")), "alchemy-psycopg-async"),
]

ON_POSTGRES_SYNC = [each for each in SYNC if re.search("psycopg|postgres", str(each.id))]
ON_POSTGRES_ASYNC = [each for each in ASYNC if not re.search("sqlite|mysql", str(each.id))]


def run(make, main):
    """Run a coroutine function with an async connection."""

    async def go():
        async with make() as database:
            return await main(database)

    return asyncio.run(go())
