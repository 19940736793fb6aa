"""Which driver a connection gets."""

import pytest

from clarion.commit import atomic
from clarion.commit.drivers.asyncpg import AsyncpgDriver
from clarion.commit.drivers.choose import driver_for
from clarion.commit.drivers.mysql import AsyncMysqlDriver, MysqlDriver
from clarion.commit.drivers.psycopg import AsyncPsycopgDriver, PsycopgDriver
from clarion.commit.drivers.sqlalchemy_core import AsyncCoreDriver, CoreDriver
from clarion.commit.drivers.sqlite import AsyncSqliteDriver, SqliteDriver
from clarion.errors import ArgumentError
from tests.commit.databases import (
    ASYNC,
    SYNC,
    run,
)

pytestmark = pytest.mark.usefixtures("_plain_python")


DRIVERS = {
    "sqlite": SqliteDriver,
    "psycopg": PsycopgDriver,
    "pymysql": MysqlDriver,
    "alchemy": CoreDriver,
    "aiosqlite": AsyncSqliteDriver,
    "psycopg-async": AsyncPsycopgDriver,
    "asyncpg": AsyncpgDriver,
    "aiomysql": AsyncMysqlDriver,
}


@pytest.mark.parametrize("make", SYNC)
def test_sync_connection(make, request):
    """Each family has its class."""
    family = request.node.callspec.id.partition("-")[0]
    with make() as database:
        assert type(driver_for(database.connection)) is DRIVERS[family]


@pytest.mark.parametrize("make", ASYNC)
def test_async_connection(make, request):
    """Each family has its class, whether the connection is pooled or not."""
    name = request.node.callspec.id
    family = name.removesuffix("-autocommit").removesuffix("-pooled").removesuffix("-none")
    wanted = AsyncCoreDriver if family.startswith("alchemy") else DRIVERS[family]

    async def main(database):
        assert type(driver_for(database.connection)) is wanted

    run(make, main)


@pytest.mark.parametrize("what", ["no connection", 3, object()])
def test_other_objects_are_refused(what):
    """The message names the type, not the value, which may be a URL with a password."""
    with pytest.raises(ArgumentError, match=r"not a connection. Give one of a DB-API") as caught:
        atomic(what).__enter__()
    assert caught.value.names == ("connection",)
    assert repr(what) not in str(caught.value)


def test_a_session_is_refused():
    """Its own commits are those that receivers wait for."""
    sqlalchemy = pytest.importorskip("sqlalchemy.orm")
    for session in (sqlalchemy.Session(), sqlalchemy.scoped_session(sqlalchemy.sessionmaker())):
        with pytest.raises(
            ArgumentError, match=r"a session and .* `with session\.begin\(\):`"
        ) as caught:
            atomic(session).__enter__()
        assert caught.value.names == ("connection",)


def test_a_connection_of_django_is_refused():
    """The message names Django's own block."""
    database = pytest.importorskip("django.db")
    with pytest.raises(
        ArgumentError, match=r"are Django's\. Write `with transaction\.atomic\(\):`"
    ):
        atomic(database.connection).__enter__()
