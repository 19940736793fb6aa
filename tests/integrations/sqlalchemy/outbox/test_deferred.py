"""A worker warns of an engine whose readers cannot write."""

import logging
import sqlite3

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from clarion.integrations.sqlalchemy import EngineDatabase
from clarion.outbox.notes import BUSY_CURE
from clarion.worker import Worker
from tests.integrations.sqlalchemy.commit.outboxes import file_engine


@pytest.mark.parametrize(
    ("begin", "warns"),
    [(None, False), ("BEGIN", True), ("begin deferred", True), ("BEGIN IMMEDIATE", False)],
    ids=str,
)
def test_deferred_transactions_are_said_at_the_start(tmp_path, caplog, begin, warns):
    """The worker warns of deferred transactions, with the cure, but not of pysqlite's default."""
    engine = file_engine(tmp_path / "a.db")
    if begin is not None:
        event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    with caplog.at_level(logging.WARNING, "clarion.worker"):
        Worker(EngineDatabase(engine)).drain()
    assert (BUSY_CURE in caplog.text) == warns
    engine.dispose()


def test_a_connection_that_is_always_in_a_transaction(tmp_path, caplog):
    """A connection with autocommit=False, which is always in a transaction, is warned of."""
    file_engine(tmp_path / "a.db").dispose()
    try:
        engine = create_engine(f"sqlite:///{tmp_path}/a.db", connect_args={"autocommit": False})
        engine.connect().close()
    except TypeError:
        pytest.skip("this Python has no autocommit")
    with caplog.at_level(logging.WARNING, "clarion.worker"):
        Worker(EngineDatabase(engine)).drain()
    assert BUSY_CURE in caplog.text
    engine.dispose()


@pytest.mark.parametrize(
    ("begin", "warns"), [(None, False), ("BEGIN", True), ("BEGIN IMMEDIATE", False)], ids=str
)
def test_an_async_engine_is_warned_of_too(tmp_path, caplog, begin, warns):
    """An async engine is examined in the event loop of a thread, and warned of."""
    pytest.importorskip("aiosqlite")
    file_engine(tmp_path / "a.db").dispose()
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    if begin is not None:
        sync = engine.sync_engine
        event.listen(sync, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        event.listen(sync, "begin", lambda connection: connection.exec_driver_sql(begin))
    with caplog.at_level(logging.WARNING, "clarion.worker"):
        Worker(EngineDatabase(engine)).drain()
    assert (BUSY_CURE in caplog.text) == warns


def test_an_async_connection_that_is_always_in_a_transaction(tmp_path, caplog):
    """An async connection with autocommit=False is warned of."""
    pytest.importorskip("aiosqlite")
    if not hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL"):
        pytest.skip("this Python has no autocommit")
    file_engine(tmp_path / "a.db").dispose()
    url = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    database = EngineDatabase(create_async_engine(url, connect_args={"autocommit": False}))
    with caplog.at_level(logging.WARNING, "clarion.worker"):
        database.warn_at_start()
    assert BUSY_CURE in caplog.text
