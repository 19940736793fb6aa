"""A schema of PostgreSQL with the tables of procrastinate, and an app on it."""

import secrets
from typing import Any

import procrastinate as library
import psycopg
import pytest

from clarion import Signal
from tests.integrations.procrastinate.receivers import made
from tests.services import POSTGRES


@pytest.fixture
def order_paid():
    """Return a signal."""
    made.clear()
    return Signal(name="tests.procrastinate.order_paid")


@pytest.fixture(scope="module")
def options():
    """Yield how to connect to a schema with the tables of procrastinate."""
    url, name = POSTGRES.url(), f"clarion_{secrets.token_hex(6)}"
    given: Any = {"conninfo": url, "kwargs": {"options": f"-c search_path={name}"}}
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {name}")
        try:
            with library.App(connector=library.SyncPsycopgConnector(**given)).open() as app:
                app.schema_manager.apply_schema()
            yield given
        finally:
            admin.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def sent_to(options):
    """Return a function that opens a connection, by default to the schema."""
    opened = []

    def connect(**others):
        arguments = {**options["kwargs"], **others}
        opened.append(psycopg.connect(options["conninfo"], **arguments))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


@pytest.fixture
def app(options):
    """Yield an open app on PostgreSQL, without jobs."""
    with library.App(connector=library.PsycopgConnector(**options)).open() as found:
        yield found


@pytest.fixture
def jobs(options):
    """Yield a function that returns the jobs that other connections see."""
    arguments = {**options["kwargs"], "autocommit": True}
    with psycopg.connect(options["conninfo"], **arguments) as reader:
        reader.execute("TRUNCATE procrastinate_jobs CASCADE")

        def committed():
            query = "SELECT args->>'receiver', lock, status FROM procrastinate_jobs ORDER BY id"
            return reader.execute(query).fetchall()

        yield committed
