"""A worker's connections commit each statement, and have transactions."""

import sqlite3
import threading
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from clarion.integrations.sqlalchemy import EngineDatabase
from clarion.outbox.delivery_row import BLOCKED_BY_DEAD
from tests.integrations.sqlalchemy.commit.outboxes import with_tables
from tests.savepoints import begin_before_savepoints
from tests.threads import no_more_threads

ALWAYS_BEGUN = pytest.mark.skipif(
    not hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL"), reason="this Python has no autocommit"
)


@pytest.fixture(params=["begins", pytest.param("always begun", marks=ALWAYS_BEGUN)])
def arguments(request):
    """Return arguments of the driver, with which it leaves BEGIN to the program or sends it always."""
    return {} if request.param == "begins" else {"autocommit": False}


@pytest.fixture(params=["sync", "async"])
def database(request, arguments, tmp_path):
    """Return the database of a sync and of an async engine of one file."""
    path = tmp_path / "one.db"
    engine = with_tables(create_engine(f"sqlite:///{path}", connect_args=arguments))
    engine.dispose()
    if request.param == "sync":
        if not arguments:
            begin_before_savepoints(engine)
        yield EngineDatabase(engine)
        engine.dispose()
    else:
        connected = create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args=arguments)
        if not arguments:
            begin_before_savepoints(connected.sync_engine)
        yield EngineDatabase(connected)


def test_each_statement_is_committed(database):
    """Each statement is committed, even if the program lets its engine begin by itself."""
    one, other = database.connect(), database.connect()
    one.change("block", receiver="a", key="k", delay=60_000)
    assert other.change("unblock", receiver="a", key="k", dead=BLOCKED_BY_DEAD) == 1
    for each in (one, other):
        each.close()


def test_a_transaction_is_committed_or_rolled_back(database):
    """The block commits its transaction, or rolls it back after an error."""
    one, other = database.connect(), database.connect()
    with pytest.raises(LookupError), one.transaction():
        one.change("block", receiver="a", key="k", delay=60_000)
        raise LookupError
    assert other.change("unblock", receiver="a", key="k", dead=BLOCKED_BY_DEAD) == 0
    with one.transaction():
        one.change("block", receiver="a", key="k", delay=60_000)
    assert other.change("unblock", receiver="a", key="k", dead=BLOCKED_BY_DEAD) == 1
    for each in (one, other):
        each.close()


def test_the_thread_of_a_loop_ends_with_its_last_connection(database):
    """A worker that has stopped leaves no thread of an event loop behind."""
    connection = database.connect()
    threads = [each for each in threading.enumerate() if each.name == "clarion-outbox"]
    assert len(threads) == database.is_async
    connection.close()
    for each in threads:
        each.join(10)
        assert not each.is_alive()
    again = database.connect()
    assert again.rows("now")
    again.close()


def test_a_connection_is_opened_later_if_the_system_has_no_more_threads(tmp_path):
    """It fails at once, instead of waiting for a loop that does not run."""
    with_tables(create_engine(f"sqlite:///{tmp_path / 'one.db'}")).dispose()
    database = EngineDatabase(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'one.db'}"))
    with no_more_threads("clarion-outbox"), pytest.raises(RuntimeError, match="new thread"):
        database.connect()
    connection = database.connect()
    assert connection.rows("now")
    connection.close()


@pytest.mark.service
@pytest.mark.parametrize(
    ("server", "own", "end"),
    [
        ("postgres", "SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
        ("mariadb", "SELECT connection_id()", "KILL {}"),
    ],
)
def test_a_lost_connection_is_closed_without_an_error(request, caplog, server, own, end):
    """SQLAlchemy does not log that it cannot be rolled back."""
    engine = with_tables(create_engine(request.getfixturevalue(server)))
    connection: Any = EngineDatabase(engine).connect()
    cursor = connection.connection.cursor()
    cursor.execute(own)
    with engine.connect() as other:
        other.exec_driver_sql(end.format(*cursor.fetchone()))
    with pytest.raises(engine.dialect.loaded_dbapi.Error):
        connection.rows("now")
    connection.close()
    assert connection.connection.closed if server == "postgres" else not connection.connection.open
    assert [each for each in caplog.records if each.name.startswith("sqlalchemy")] == []
    engine.dispose()
