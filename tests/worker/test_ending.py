"""How the transaction of a receiver that never returns is ended."""

import asyncio
import sqlite3
import threading
import time
from contextlib import closing, suppress
from typing import Any

import pytest

from clarion.errors import TransactionError
from clarion.outbox.connection import DbapiConnection
from clarion.worker import ending
from clarion.worker.ending import aabandonable, abandonable, end_of
from tests.worker.stage import PLACES, Stage, note


def test_its_locks_are_released_and_its_writes_undone(stage):
    """Another connection ends it, so its locks are released and its writes undone."""
    with (
        pytest.raises(Exception, match=r"(?i)readonly|terminat|lost|gone|interrupt|0, ''"),
        stage.database.transaction() as transaction,
    ):
        end = end_of(stage.database, transaction.connection)
        note(transaction.provided["connection"], "same", "", 1)
        end()
        note(transaction.provided["connection"], "same", "", 2)
    assert stage.effects() == []
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")


def test_a_cursor_with_unread_rows_keeps_no_lock(sqlite_stage):
    """A receiver may hang in the middle of its rows; the database is free all the same."""
    stage, rows = sqlite_stage, []
    with suppress(Exception), stage.database.transaction() as transaction:
        raw = transaction.provided["connection"]
        for n in range(3):
            note(raw, "same", "", n)
        rows.append(raw.execute("SELECT n FROM effects"))
        assert rows[0].fetchone() == (0,)
        end_of(stage.database, transaction.connection)()
        stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
    assert stage.effects() == [("other", "", 3)]
    assert rows


def test_a_statement_that_runs_is_interrupted(sqlite_stage):
    """A receiver may hang inside SQLite; the database is free soon."""
    stage, begun = sqlite_stage, threading.Event()
    ends: list[Any] = []

    def begin():
        begun.set()
        return 1

    def receive():
        with (
            suppress(Exception),
            stage.database.transaction() as transaction,
            abandonable(stage.database, transaction.connection, ends.append),
        ):
            raw = transaction.provided["connection"]
            note(raw, "same", "", 1)
            raw.create_function("begun", 0, begin)
            raw.execute(
                "WITH RECURSIVE n(x) AS (SELECT begun() UNION ALL SELECT x + 1 FROM n) "
                "SELECT sum(x) FROM n"
            )

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    assert begun.wait(30)
    ends[0]()
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
    thread.join(30)
    assert not thread.is_alive()
    assert stage.effects() == [("other", "", 3)]


def _hammer(raw, stop):
    with suppress(sqlite3.Error):
        while not stop.is_set():
            raw.execute("SELECT count(*), sum(n) FROM effects").fetchall()
            raw.execute("INSERT INTO effects (receiver, name, n) VALUES ('same', '', 1)")


@pytest.mark.parametrize("moment", range(40))
def test_the_interpreter_survives_at_any_moment(sqlite_stage, moment):
    """The receiver may begin a statement at the moment when its transaction is ended."""
    stage, stop = sqlite_stage, threading.Event()
    with suppress(TransactionError), stage.database.transaction() as transaction:
        ends: list[Any] = []
        with abandonable(stage.database, transaction.connection, ends.append):
            raw = transaction.provided["connection"]
            thread = threading.Thread(target=_hammer, args=(raw, stop))
            thread.start()
            time.sleep(moment / 10_000)
            ends[0]()
            stop.set()
            thread.join(30)
    assert stage.effects() == []
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")


def test_an_interrupt_does_not_stop_the_rollback(sqlite_stage, monkeypatch):
    """The rollback may be late, because the machine is busy; then it is interrupted itself."""
    monkeypatch.setattr(ending, "BEFORE_INTERRUPT", 0)
    monkeypatch.setattr(ending, "BETWEEN_INTERRUPTS", 0)
    stage = sqlite_stage
    for _ in range(50):
        ends: list[Any] = []
        with (
            suppress(TransactionError),
            stage.database.transaction() as transaction,
            abandonable(stage.database, transaction.connection, ends.append),
        ):
            note(transaction.provided["connection"], "same", "", 1)
            ends[0]()
            stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
    assert stage.effects("same") == []


def test_what_cannot_be_ended_is_logged(sqlite_stage, monkeypatch, logged):
    """An interrupted connection with unread rows refuses the rollback."""
    monkeypatch.setattr(ending, "LONGEST_END", 0.2)
    stage = sqlite_stage
    ends: list[Any] = []
    with (
        suppress(TransactionError),
        stage.database.transaction() as transaction,
        abandonable(stage.database, transaction.connection, ends.append),
    ):
        raw = transaction.provided["connection"]
        for n in range(3):
            note(raw, "same", "", n)
        rows = raw.execute("SELECT n FROM effects")
        rows.fetchone()
        raw.interrupt()
        ends[0]()
        rows.close()
    assert "keeps the lock" in logged.text
    assert stage.effects() == []


@pytest.mark.skipif(
    not hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL"), reason="this Python has no autocommit"
)
def test_a_driver_that_begins_again_keeps_no_lock(sqlite_stage, logged):
    """With autocommit=False, sqlite3 begins another transaction after the rollback."""
    stage = sqlite_stage
    path = stage.url.removeprefix("sqlite:///")
    arguments: dict[str, Any] = {"autocommit": False, "check_same_thread": False}
    with closing(sqlite3.connect(path, **arguments)) as raw:
        end = end_of(stage.database, DbapiConnection(raw, "sqlite"))
        note(raw, "same", "", 1)
        end()
        stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
    assert stage.effects() == [("other", "", 3)]
    assert logged.text == ""


class Noting(sqlite3.Connection):
    """A connection that notes the statements that it prepares with the interpreter's lock held."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.prepared = []

    def __call__(self, statement):
        """Prepare a statement that is not in the cache."""
        self.prepared.append(statement)
        return super().__call__(statement)


def test_an_end_prepares_no_statement(sqlite_stage):
    """With SQLite 3.53, that would wait for a statement of the receiver, and stop the whole process."""
    stage = sqlite_stage
    path = stage.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, check_same_thread=False, factory=Noting)) as raw:
        end = end_of(stage.database, DbapiConnection(raw, "sqlite"))
        note(raw, "same", "", 1)
        assert raw.prepared
        raw.prepared.clear()
        end()
        assert raw.prepared == []
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            note(raw, "same", "", 2)
    assert stage.effects() == []


def test_a_receiver_that_returns_late_learns_of_it(stage):
    """Its call fails, and its connection does not go back to a pool."""
    ends: list[Any] = []
    with (
        pytest.raises(Exception, match=r"(?i)was ended|terminat|lost|gone|closed|0, ''"),
        stage.database.transaction() as transaction,
        abandonable(stage.database, transaction.connection, ends.append),
    ):
        note(transaction.provided["connection"], "same", "", 1)
        ends[0]()
    assert stage.effects() == []


def test_a_receiver_that_has_returned_is_left_alone(stage, logged):
    """An end that comes too late undoes nothing, and logs nothing."""
    ends: list[Any] = []
    with stage.database.transaction() as transaction:
        with abandonable(stage.database, transaction.connection, ends.append):
            note(transaction.provided["connection"], "same", "", 1)
        ends[0]()
    assert stage.effects() == [("same", "", 1)]
    assert logged.text == ""


def test_a_connection_that_is_about_to_be_ended_is_not_kept(server_stage):
    """The receiver may return before the server has ended its connection."""
    stage = server_stage
    connect, used = stage.database.connect, []
    ends: list[Any] = []

    def connect_later():
        stage.database.connect = connect
        used.append(transaction.provided["connection"])
        with pytest.raises(TransactionError):
            ends[0].leave()
        return connect()

    with (
        suppress(Exception),
        stage.database.transaction() as transaction,
        abandonable(stage.database, transaction.connection, ends.append),
    ):
        stage.database.connect = connect_later
        ends[0]()
    with stage.database.transaction() as another:
        assert another.provided["connection"] is not used[0]
        note(another.provided["connection"], "same", "", 1)
    assert stage.effects() == [("same", "", 1)]


@pytest.mark.service
def test_a_later_transaction_of_the_same_process_is_left_alone(tmp_path):
    """A pooler gives the server's process to others after the receiver's transaction."""
    with PLACES["postgresql"](tmp_path) as url:
        stage = Stage(url)
        with stage.connected() as connection:
            with connection.transaction():
                end = end_of(stage.database, connection)
            with connection.transaction():
                end()
                note(connection.connection, "same", "", 1)
        assert stage.effects() == [("same", "", 1)]


def test_the_transaction_of_an_async_receiver(stage):
    """The transaction of an async receiver is ended in the same way."""

    async def main():
        ends: list[Any] = []
        async with (
            stage.database.atransaction() as transaction,
            aabandonable(stage.database, transaction.connection, ends.append),
        ):
            ends[0]()
            stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 2)")
            raise LookupError

    with pytest.raises((LookupError, TransactionError)):
        asyncio.run(main())
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
