"""Workers of an engine that PostgreSQL notifies."""

from contextlib import closing

import pytest
from sqlalchemy import MetaData, create_engine, event, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner

from clarion.cli.app import app
from clarion.integrations.sqlalchemy import EngineDatabase, outbox_tables
from clarion.worker import notifications
from tests.pooler import pooler
from tests.worker.notified import check_polls, check_woken, check_woken_after_a_loss

pytestmark = pytest.mark.service


@pytest.fixture
def engine(empty_postgres):
    """Return an engine of a database with the tables of a MetaData."""
    made = create_engine(empty_postgres, pool_size=1, max_overflow=0, pool_timeout=1)
    metadata = MetaData()
    outbox_tables(metadata)
    metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def sender(engine):
    """Return a connection to the outbox that is outside the engine's pool."""
    with closing(EngineDatabase(engine).connect()) as connection:
        yield connection


@pytest.fixture
def notifying(engine, sender):
    """Return the connection, after the command has created the trigger."""
    url = engine.url.render_as_string(hide_password=False)
    done = CliRunner().invoke(app, ["outbox", "create", "--notify", url])
    assert done.exit_code == 0, done.output
    return sender


@pytest.mark.parametrize("check", [check_woken, check_woken_after_a_loss])
def test_commits_wake_a_worker(engine, notifying, monkeypatch, caplog, check):
    """A worker is woken though the pool is in use, and also after it has lost its connection."""
    with engine.connect():
        check(EngineDatabase(engine), notifying, monkeypatch)
    assert [each for each in caplog.records if each.name.startswith("sqlalchemy")] == []


def test_without_a_trigger_a_worker_polls(engine, sender):
    """The thread ends at once, and the worker looks at its intervals."""
    check_polls(EngineDatabase(engine), sender)


def test_the_hooks_of_the_engine_open_the_connection(engine, notifying, monkeypatch):
    """A hook that gives each connection its password is called for these, too."""
    drivers = []

    @event.listens_for(engine, "do_connect")
    def note_driver(dialect, record, args, parameters):
        drivers.append(dialect.driver)

    check_woken(EngineDatabase(engine), notifying, monkeypatch)
    assert len(drivers) >= 3  # the worker's own, the one that listens, and the one that ends it


@pytest.mark.parametrize("driver", ["psycopg", "psycopg_async", "asyncpg"])
def test_a_pooler_that_passes_on_no_notifications_is_said(
    engine, notifying, monkeypatch, caplog, driver
):
    """The worker says so, and does not listen."""
    monkeypatch.setattr(notifications, "ANSWER_SECONDS", 0.2)
    caplog.set_level("INFO", "clarion.worker")
    direct = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with pooler(direct) as url:
        create = create_engine if driver == "psycopg" else create_async_engine
        query = {"ssl" if driver == "asyncpg" else "sslmode": "disable"}
        pooled = create(make_url(url).set(drivername=f"postgresql+{driver}", query=query))
        check_polls(EngineDatabase(pooled), notifying)
        assert "A pooler passes on no notifications of SQLAlchemy's engine" in caplog.text


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg_async"])
@pytest.mark.parametrize("check", [check_woken, check_woken_after_a_loss])
def test_commits_wake_a_worker_of_an_async_engine(
    engine, notifying, monkeypatch, caplog, driver, check
):
    """A worker is woken through asyncpg and psycopg, also after it has lost its connection."""
    made = create_async_engine(engine.url.set(drivername=f"postgresql+{driver}"))
    check(EngineDatabase(made), notifying, monkeypatch)
    assert [each for each in caplog.records if each.name.startswith("sqlalchemy")] == []


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg_async"])
def test_without_a_trigger_a_worker_of_an_async_engine_polls(engine, sender, driver):
    """The thread ends at once, and the worker looks at its intervals."""
    made = create_async_engine(engine.url.set(drivername=f"postgresql+{driver}"))
    check_polls(EngineDatabase(made), sender)
