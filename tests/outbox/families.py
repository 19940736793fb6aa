"""Connections of each family of drivers to the database of a test's outbox."""

import asyncio
import sqlite3
import sys
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.savepoints import begin_before_savepoints
from tests.services import MARIADB, POSTGRES


class Family(NamedTuple):
    """A family of drivers.

    Attributes:
        database: the kind of database, as `outbox_on` takes it.
        opened: takes the address of the database, and returns a context manager that yields a
            connection.
    """

    database: str
    opened: Any


def address_of(outbox):
    """Return the file, the schema or the database of an outbox."""
    connection = outbox.opened[0].connection
    query = {
        "sqlite": "SELECT file FROM pragma_database_list",
        "postgresql": "SELECT current_schema()",
        "mysql": "SELECT DATABASE()",
    }
    cursor = connection.cursor()
    cursor.execute(query[outbox.opened[0].dialect])
    (found,) = cursor.fetchone()
    cursor.close()
    return found


def sqlalchemy_url(driver, address):
    """Return the URL of an outbox for SQLAlchemy."""
    from sqlalchemy import make_url

    if "sqlite" in driver:
        return f"{driver}:///{address}"
    url = make_url((POSTGRES if "postgresql" in driver else MARIADB).url()).set(drivername=driver)
    if "postgresql" not in driver:
        return url.set(database=address)
    if "asyncpg" in driver or "pg8000" in driver:
        return url
    return url.update_query_dict({"options": f"-csearch_path={address}"})


def engine_options(driver, address):
    """Return what an engine needs beside the URL."""
    if "asyncpg" in driver:
        return {"connect_args": {"server_settings": {"search_path": address}}}
    if "pg8000" in driver:
        return {"connect_args": {"startup_params": {"search_path": address}}}
    return {}


def _mysql_account():
    parts = urlsplit(MARIADB.url())
    return {
        "host": parts.hostname,
        "port": parts.port or 3306,
        "user": parts.username,
        "password": parts.password or "",
        "charset": "utf8mb4",
    }


def _sqlite(**options):
    return lambda address: closing(sqlite3.connect(address, **options))


def _psycopg(**options):
    def opened(address):
        driver = pytest.importorskip("psycopg")
        return closing(
            driver.connect(POSTGRES.url(), options=f"-c search_path={address}", **options)
        )

    return opened


def _psycopg2(address):
    driver = pytest.importorskip("psycopg2")
    return closing(driver.connect(POSTGRES.url(), options=f"-c search_path={address}"))


def _pg8000(address):
    driver = pytest.importorskip("pg8000")
    parts = urlsplit(POSTGRES.url())
    return closing(
        driver.connect(
            parts.username,
            host=parts.hostname,
            port=parts.port or 5432,
            database=parts.path[1:],
            password=parts.password,
            startup_params={"search_path": address},
        )
    )


def _pymysql(**options):
    def opened(address):
        driver = pytest.importorskip("pymysql")
        return closing(driver.connect(database=address, **_mysql_account(), **options))

    return opened


def _mysqlclient(address):
    driver = pytest.importorskip("MySQLdb._mysql") and pytest.importorskip("MySQLdb")
    return closing(driver.connect(database=address, **_mysql_account()))


def _core(driver):
    @contextmanager
    def opened(address):
        sqlalchemy = pytest.importorskip("sqlalchemy")
        need_driver(driver)
        engine = sqlalchemy.create_engine(
            sqlalchemy_url(driver, address), **engine_options(driver, address)
        )
        if "sqlite" in driver:
            begin_before_savepoints(engine)
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    return opened


def need_driver(driver):
    """Skip a test without the driver of a URL of SQLAlchemy."""
    name = driver.rpartition("+")[2]
    pytest.importorskip({"pysqlite": "sqlite3", "mysqldb": "MySQLdb._mysql"}.get(name, name))


@asynccontextmanager
async def _aiosqlite(address):
    driver = pytest.importorskip("aiosqlite")
    async with driver.connect(address) as connection:
        yield connection


@asynccontextmanager
async def _asyncpg(address):
    driver = pytest.importorskip("asyncpg")
    connection = await driver.connect(POSTGRES.url(), server_settings={"search_path": address})
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _asyncpg_pooled(address):
    driver = pytest.importorskip("asyncpg")
    settings = {"search_path": address}
    pool = driver.create_pool(POSTGRES.url(), min_size=1, max_size=1, server_settings=settings)
    async with pool, pool.acquire() as connection:
        yield connection


@asynccontextmanager
async def _psycopg_async(address):
    driver = pytest.importorskip("psycopg")
    connecting = driver.AsyncConnection.connect(POSTGRES.url(), options=f"-c search_path={address}")
    async with await connecting as connection:
        yield connection


def _async_mysql(name):
    @asynccontextmanager
    async def opened(address):
        driver = pytest.importorskip(name)
        connection = await driver.connect(db=address, **_mysql_account())
        try:
            yield connection
        finally:
            await connection.ensure_closed()

    return opened


def _async_core(driver):
    @asynccontextmanager
    async def opened(address):
        extension = pytest.importorskip("sqlalchemy.ext.asyncio")
        need_driver(driver)
        engine = extension.create_async_engine(
            sqlalchemy_url(driver, address), **engine_options(driver, address)
        )
        if "sqlite" in driver:
            begin_before_savepoints(engine.sync_engine)
        try:
            async with engine.connect() as connection:
                yield connection
        finally:
            await engine.dispose()

    return opened


def _on(database, name, opened):
    marks = () if database == "sqlite" else (pytest.mark.service,)
    return pytest.param(Family(database, opened), id=name, marks=marks)


SYNC = [
    _on("sqlite", "sqlite3", _sqlite()),
    _on("sqlite", "sqlite3-none", _sqlite(isolation_level=None)),
    *(
        [_on("sqlite", "sqlite3-autocommit-false", _sqlite(autocommit=False))]
        if sys.version_info >= (3, 12)
        else []
    ),
    _on("postgresql", "psycopg", _psycopg()),
    _on("postgresql", "psycopg-autocommit", _psycopg(autocommit=True)),
    _on("postgresql", "psycopg2", _psycopg2),
    _on("postgresql", "pg8000", _pg8000),
    _on("mariadb", "pymysql", _pymysql()),
    _on("mariadb", "pymysql-autocommit", _pymysql(autocommit=True)),
    _on("mariadb", "mysqlclient", _mysqlclient),
    *(
        _on(database, f"sqlalchemy-{driver}", _core(driver))
        for database, driver in [
            ("sqlite", "sqlite+pysqlite"),
            ("postgresql", "postgresql+psycopg"),
            ("postgresql", "postgresql+psycopg2"),
            ("postgresql", "postgresql+pg8000"),
            ("mariadb", "mysql+pymysql"),
            ("mariadb", "mariadb+pymysql"),
            ("mariadb", "mysql+mysqldb"),
        ]
    ),
]

ASYNC = [
    _on("sqlite", "aiosqlite", _aiosqlite),
    _on("postgresql", "asyncpg", _asyncpg),
    _on("postgresql", "asyncpg-pooled", _asyncpg_pooled),
    _on("postgresql", "psycopg-async", _psycopg_async),
    _on("mariadb", "aiomysql", _async_mysql("aiomysql")),
    _on("mariadb", "asyncmy", _async_mysql("asyncmy")),
    *(
        _on(database, f"sqlalchemy-{driver}", _async_core(driver))
        for database, driver in [
            ("sqlite", "sqlite+aiosqlite"),
            ("postgresql", "postgresql+asyncpg"),
            ("postgresql", "postgresql+psycopg"),
            ("mariadb", "mysql+aiomysql"),
            ("mariadb", "mysql+asyncmy"),
        ]
    ),
]


def run(family, outbox, main):
    """Run a coroutine function with an async connection."""

    async def go():
        async with family.opened(address_of(outbox)) as connection:
            return await main(connection)

    return asyncio.run(go())
