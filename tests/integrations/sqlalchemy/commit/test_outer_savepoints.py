"""Inside `commits()`, a receiver that breaks a constraint affects no other: sessions of a test."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import create_engine, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clarion import on_commit
from clarion.integrations.sqlalchemy import bound
from clarion.testing import commits
from tests.integrations.sqlalchemy.commit.paid import paid
from tests.integrations.sqlalchemy.shop import Base, Tag

MODES = ["conditional_savepoint", "rollback_only", "create_savepoint"]

ENGINES = [
    pytest.param("sqlite://", id="sqlite"),
    pytest.param("postgres", id="postgres", marks=pytest.mark.service),
    pytest.param("mariadb", id="mariadb", marks=pytest.mark.service),
]
ASYNC_ENGINES = [
    pytest.param("sqlite+aiosqlite://", id="aiosqlite"),
    pytest.param("postgresql+asyncpg", id="asyncpg", marks=pytest.mark.service),
    pytest.param("postgresql+psycopg", id="psycopg", marks=pytest.mark.service),
]


@pytest.fixture
def url(request):
    """The URL of an empty database."""
    if "://" in request.param:
        return request.param
    server, _, driver = request.param.partition("+")
    found = request.getfixturevalue("postgres" if server == "postgresql" else request.param)
    return found.replace("+psycopg", f"+{driver}") if driver else found


def connect(connection):
    """Connect receivers that use a connection; return what they did."""
    done = []

    def fail(sender, **kwargs):
        connection.execute(insert(Tag).values(id=1, name="again"))

    def swallow(sender, **kwargs):
        with suppress(IntegrityError):
            connection.execute(insert(Tag).values(id=1, name="again"))

    def write(sender, **kwargs):
        connection.execute(insert(Tag).values(id=20, name="kept"))

    def read(sender, **kwargs):
        done.append(connection.scalar(select(func.count()).select_from(Tag)))

    for each in (fail, swallow, write, read):
        paid.connect(each, delivery=on_commit)
    return done


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("url", ENGINES, indirect=True)
def test_receivers_after_one_that_fails(url, mode, kind):
    """Receivers after one that fails still use the test's connection, which is rolled back in the end."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        around = connection.begin()
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # the driver would wait for the first INSERT
        done = connect(connection)
        with kind(connection, join_transaction_mode=mode) as session, commits():
            session.add(Tag(id=1, name="t"))
            paid.send(None, session=session)
            session.commit()
            assert done == [2]
            assert around.is_active
            session.expire_all()
            assert session.get(Tag, 20).name == "kept"
        around.rollback()
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Tag)) == 0
    engine.dispose()


@pytest.mark.parametrize("url", ENGINES, indirect=True)
def test_receivers_that_run_at_once(url):
    """A receiver of a send in no transaction runs in a savepoint of the test's connection."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        around = connection.begin()
        connection.execute(insert(Tag).values(id=1, name="t"))
        done = connect(connection)
        with Session(connection) as session, bound(session), commits():
            responses = paid.send(None)
        assert [each.status for _, each in responses] == ["failed", "ran", "ran", "ran"]
        assert done == [2]
        around.rollback()
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Tag)) == 0
    engine.dispose()


def test_connection_of_get_bind(engine, kind):
    """The savepoint is set on the test's connection, also if only `get_bind` returns it."""
    with engine.connect() as connection, connection.begin() as around:
        done = connect(connection)
        statements: list[str] = []

        class Joined(kind):  # type: ignore[valid-type,misc]
            def get_bind(self, *args, **kwargs):
                return connection

        connection.connection.driver_connection.set_trace_callback(statements.append)
        with Joined() as session, commits():
            session.add(Tag(id=1, name="t"))
            session.flush()
            paid.send(None, session=session)
            session.commit()
        assert done == [2]
        assert sum(each.startswith("SAVEPOINT clarion_receiver") for each in statements) == 4
        around.rollback()


def test_receiver_that_ends_the_transaction(engine, kind):
    """If a receiver ends the transaction, its savepoint is not released afterwards."""
    with engine.connect() as connection:
        connection.begin()
        paid.connect(lambda sender, **kw: connection.rollback(), delivery=on_commit, weak=False)
        with kind(connection) as session, commits():
            session.add(Tag(id=1, name="t"))
            session.flush()
            paid.send(None, session=session)
            session.commit()
        assert not connection.in_transaction()


@pytest.mark.parametrize("url", ASYNC_ENGINES, indirect=True)
def test_async_sessions(url):
    """Async and sync receivers run in savepoints after the commit of an AsyncSession."""
    counts = []

    async def main():
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with engine.connect() as connection:
            around = await connection.begin()
            await connection.execute(insert(Tag).values(id=1, name="t"))
            done = connect(connection.sync_connection)

            async def fail(sender, **kwargs):
                await connection.execute(insert(Tag).values(id=1, name="again"))

            async def write(sender, **kwargs):
                await connection.execute(insert(Tag).values(id=30, name="kept"))

            for each in (fail, write):
                paid.connect(each, delivery=on_commit, weak=False)
            async with AsyncSession(connection) as session:
                with commits():
                    await session.execute(select(Tag))
                    await paid.asend(None, session=session)
                    await session.commit()
            counts.extend(done)
            tags = select(func.count()).select_from(Tag)
            counts.append(await connection.scalar(tags))
            await around.rollback()
            counts.append(await connection.scalar(tags))
        await engine.dispose()

    asyncio.run(main())
    assert counts == [2, 3, 0]
