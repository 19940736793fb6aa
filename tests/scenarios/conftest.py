"""The stages on which scenarios are played, one for each boundary and database."""

import asyncio
import os
import sqlite3
from contextlib import closing, contextmanager
from importlib.util import find_spec
from uuid import uuid4

import pytest

from tests.savepoints import begin_before_savepoints
from tests.scenarios.stages import (
    EMPTY,
    SCHEMA,
    AsyncSessionStage,
    ConnectionStage,
    DjangoStage,
    PeeweeStage,
    SessionStage,
    Stage,
    Undo,
)
from tests.services import POSTGRES


@pytest.fixture(scope="module")
def postgres_url():
    """The URL of a PostgreSQL database with the tables of the scenarios."""
    psycopg = pytest.importorskip("psycopg")
    server, name = POSTGRES.url(), f"clarion_{os.getpid()}_{uuid4().hex[:8]}"
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = f"{server.rpartition('/')[0]}/{name}"
    with psycopg.connect(url) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
    yield url
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def on_plain():
    """No connection."""

    @contextmanager
    def opened():
        yield Stage()

    return opened


@pytest.fixture(scope="module")
def on_sqlite3():
    """A connection of sqlite3."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        for statement in SCHEMA:
            connection.execute(statement)
        yield emptied(connection, sqlite3.IntegrityError)


@pytest.fixture(scope="module")
def on_psycopg(postgres_url):
    """A connection of psycopg."""
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        yield emptied(connection, psycopg.IntegrityError)


def emptied(connection, error):
    @contextmanager
    def opened():
        connection.execute(EMPTY)
        connection.commit()
        yield ConnectionStage((Undo, error), connection=connection)

    return opened


@pytest.fixture(scope="module")
def on_session_sqlite():
    """A session, on SQLite."""
    pytest.importorskip("sqlalchemy")
    from sqlalchemy import StaticPool, create_engine

    yield from sessions(create_engine("sqlite://", poolclass=StaticPool), prepare=True)


@pytest.fixture(scope="module")
def on_session_postgres(postgres_url):
    """A session, on PostgreSQL."""
    pytest.importorskip("sqlalchemy")
    from sqlalchemy import create_engine

    url = postgres_url.replace("postgresql:", "postgresql+psycopg:", 1)
    yield from sessions(create_engine(url))


def sessions(engine, *, prepare=False):
    from sqlalchemy import text
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.orm import Session

    if prepare:
        begin_before_savepoints(engine)
        with engine.begin() as connection:
            for statement in SCHEMA:
                connection.execute(text(statement))

    @contextmanager
    def opened():
        with engine.begin() as connection:
            connection.execute(text(EMPTY))
        session = Session(engine)
        stage = SessionStage((Undo, IntegrityError), engine=engine, session=session)
        yield stage
        for each in (session, *stage.opened):
            each.close()

    yield opened
    engine.dispose()


@pytest.fixture(scope="module")
def on_async_sqlite():
    """An async session, on SQLite."""
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("aiosqlite")
    yield from async_sessions("sqlite+aiosqlite://", prepare=True)


@pytest.fixture(scope="module")
def on_async_postgres(postgres_url):
    """An async session, on PostgreSQL."""
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("asyncpg")
    yield from async_sessions(postgres_url.replace("postgresql:", "postgresql+asyncpg:", 1))


def async_sessions(url, *, prepare=False):
    from sqlalchemy import StaticPool, text
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    async def execute(*statements):
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))

    @contextmanager
    def opened():
        runner.run(execute(EMPTY))
        session = AsyncSession(engine)
        stage = AsyncSessionStage((Undo, IntegrityError), engine=engine, session=session)
        stage.runner = runner
        yield stage
        for each in (session, *stage.opened):
            runner.run(each.close())

    with asyncio.Runner() as runner:
        if prepare:
            engine = create_async_engine(url, poolclass=StaticPool)
            begin_before_savepoints(engine.sync_engine)
            runner.run(execute(*SCHEMA))
        else:
            engine = create_async_engine(url)
        yield opened
        runner.run(engine.dispose())


@pytest.fixture(scope="module")
def on_peewee():
    """A database of peewee, on SQLite."""
    pytest.importorskip("peewee")
    from peewee import IntegrityError, SqliteDatabase

    from tests.commit.peewee_integration import provider

    @contextmanager
    def opened():
        database.execute_sql(EMPTY)
        yield PeeweeStage((Undo, IntegrityError), alias=name, database=database)

    name = "played by peewee"
    database = SqliteDatabase(":memory:", pragmas={"foreign_keys": 1})
    provider.add_database(database, name)
    for statement in SCHEMA:
        database.execute_sql(statement)
    yield opened
    database.close()


@pytest.fixture
def on_django_sqlite(request):
    """A database of Django's, on SQLite."""
    pytest.importorskip("pytest_django")
    yield from django_stages(request, "default")


@pytest.fixture
def on_django_postgres(request):
    """A database of Django's, on PostgreSQL."""
    pytest.importorskip("pytest_django")
    yield from django_stages(request, request.getfixturevalue("postgres_database"))


def django_stages(request, alias):
    from django.db import IntegrityError

    @contextmanager
    def opened():
        from tests.integrations.django.library.models import Shelf

        yield DjangoStage((Undo, IntegrityError), alias=alias)
        Shelf.objects.using(alias).all().delete()

    request.getfixturevalue("django_db_setup")
    with request.getfixturevalue("django_db_blocker").unblock():
        yield opened


# With this mark pytest-django creates a database.
WITH_DATABASE = [pytest.mark.django_db(transaction=True)] if find_spec("pytest_django") else []

BOUNDARIES = [
    "on_plain",
    "on_sqlite3",
    pytest.param("on_psycopg", marks=pytest.mark.service),
    "on_session_sqlite",
    pytest.param("on_session_postgres", marks=pytest.mark.service),
    "on_async_sqlite",
    pytest.param("on_async_postgres", marks=pytest.mark.service),
    "on_peewee",
    pytest.param("on_django_sqlite", marks=WITH_DATABASE),
    pytest.param("on_django_postgres", marks=pytest.mark.service),
]


@pytest.fixture(params=BOUNDARIES)
def opened(request):
    """Return the function that opens an empty stage."""
    return request.getfixturevalue(request.param)
