"""Databases, sessions, and a receiver that records its calls."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from clarion.integrations.sqlalchemy import (
    aliases,
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from tests.integrations.sqlalchemy.commit.outboxes import with_tables
from tests.integrations.sqlalchemy.shop import Base
from tests.reused import MariadbDatabases, PostgresDatabases
from tests.services import MARIADB, POSTGRES

NAMES = {
    pre_save: "pre_save",
    post_save: "post_save",
    pre_delete: "pre_delete",
    post_delete: "post_delete",
    m2m_changed: "m2m_changed",
}


@pytest.fixture(autouse=True)
def own_aliases(monkeypatch):
    """An engine of another test keeps its alias until it is collected."""
    monkeypatch.setattr(aliases, "_aliases", WeakKeyDictionary())


@pytest.fixture(params=["plain", "signal"])
def kind(request):
    """Each test of sessions runs with both kinds of them."""
    from clarion.integrations.sqlalchemy import SignalSession

    return Session if request.param == "plain" else SignalSession


@pytest.fixture(scope="session")
def empty_shop():
    """A database of SQLite with the tables of the shop; a copy takes less time than the tables."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection.connection.dbapi_connection
    engine.dispose()


@pytest.fixture
def engine(empty_shop):
    """A new database in memory."""
    made = create_engine("sqlite://")
    with made.connect() as connection:
        empty_shop.backup(connection.connection.dbapi_connection)
    yield made
    made.dispose()


@pytest.fixture
def session(engine, kind):
    with kind(engine) as session:
        yield session


class Recorded(list[tuple[str, str, dict[str, Any]]]):
    """The calls of receivers, as (signal, class, keywords)."""

    def listen(self, *signals, sender=None, **options):
        """Connect a receiver to signals that records its calls."""
        for signal in signals:
            signal.connect(self._taker(NAMES[signal]), sender=sender, **options)

    def _taker(self, name):
        def take(sender, **named):
            calls = named.get("action", name)
            self.append((calls, getattr(sender, "__name__", str(sender)), named))

        return take

    @property
    def names(self):
        """The signal and class of each call; then forget the calls."""
        found = [(name, sender) for name, sender, _ in self]
        self.clear()
        return found

    def take(self):
        """Return the keywords of all calls, and forget the calls."""
        found = [named for _, _, named in self]
        self.clear()
        return found


@pytest.fixture
def recorded():
    return Recorded()


@contextmanager
def database(url: str) -> Iterator[str]:
    """Make a database on a server for one test, and drop it."""
    made = make_url(url)
    name = f"clarion_{os.getpid()}_{uuid4().hex[:8]}"
    server: Engine = create_engine(made, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield made.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            force = " WITH (FORCE)" if server.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}{force}"))
        server.dispose()


def with_driver(url: str, driver: str) -> str:
    """Return a URL that says which driver to use."""
    return driver + url[url.index("://") :]


def server_url(service, driver, name):
    """Return the URL of a database on a server."""
    url = make_url(with_driver(service.url(), driver)).set(database=name)
    return url.render_as_string(hide_password=False)


def prepare(service, driver, name):
    """Create the tables of the shop and of the outbox."""
    engine = with_tables(create_engine(server_url(service, driver, name)))
    engine.dispose()


POSTGRES_SHOPS = PostgresDatabases(partial(prepare, POSTGRES, "postgresql+psycopg"))
MARIADB_SHOPS = MariadbDatabases(partial(prepare, MARIADB, "mariadb+pymysql"))


@pytest.fixture
def postgres():
    """The URL of a PostgreSQL database without rows, for psycopg."""
    with POSTGRES_SHOPS.lent() as name:
        yield server_url(POSTGRES, "postgresql+psycopg", name)


@pytest.fixture
def twophase_postgres(preparing_postgres):
    """The URL of an empty database on a PostgreSQL that takes two-phase commits, for psycopg."""
    pytest.importorskip("psycopg")
    with database(with_driver(preparing_postgres, "postgresql+psycopg")) as url:
        yield url


@pytest.fixture
def mariadb():
    """The URL of a MariaDB database without rows, for PyMySQL."""
    with MARIADB_SHOPS.lent() as name:
        yield server_url(MARIADB, "mariadb+pymysql", name)


@pytest.fixture
def empty_postgres():
    """The URL of a new PostgreSQL database, for psycopg."""
    with POSTGRES_SHOPS.new() as name:
        yield server_url(POSTGRES, "postgresql+psycopg", name)


@pytest.fixture
def empty_mariadb():
    """The URL of a new MariaDB database, for PyMySQL."""
    with MARIADB_SHOPS.new() as name:
        yield server_url(MARIADB, "mariadb+pymysql", name)
