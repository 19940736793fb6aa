"""The notifications of PostgreSQL, on connections of psycopg."""

import os
import sqlite3
import threading

import psycopg
import pytest

from clarion.integrations.psycopg import PsycopgDatabase
from clarion.outbox.tables import create_tables
from clarion.worker import notifications
from clarion.worker.notifications import listening
from tests.worker.notified import check_polls, check_woken, check_woken_after_a_loss, threads
from tests.worker.stage import PLACES, Stage, until


@pytest.fixture
def stage(tmp_path):
    """Return an outbox of PostgreSQL whose tables have no trigger."""
    with PLACES["postgresql"](tmp_path) as url:
        made = Stage(url)
        # Other tests may listen in this database.
        made.database = PsycopgDatabase(url, application_name=f"notified {os.getpid()}")
        yield made
        made.database.close_idle()


@pytest.fixture
def sender(stage):
    """Return a connection to it."""
    with stage.connected() as connection:
        yield connection


@pytest.fixture
def notifying(sender):
    """Return the connection, after the tables got their trigger."""
    with sender.transaction():
        create_tables(sender, notify=True)
    return sender


@pytest.mark.service
@pytest.mark.parametrize("check", [check_woken, check_woken_after_a_loss])
def test_commits_wake_a_worker(stage, notifying, monkeypatch, check):
    """A worker is woken, also after it has lost its connection, and stops before its next poll."""
    check(stage.database, notifying, monkeypatch)


@pytest.mark.service
def test_without_a_trigger_a_worker_polls(stage, sender):
    """The thread ends at once, and the worker looks at its intervals."""
    check_polls(stage.database, sender)


@pytest.mark.parametrize(
    "raised", [LookupError("no password"), psycopg.ProgrammingError("no password")]
)
def test_an_error_that_stays_is_logged(caplog, raised):
    """It is logged once, as the driver's own error, and the thread ends."""
    caplog.set_level("INFO", "clarion.worker")

    def connect():
        raise ValueError("wrapped") from raised

    with listening(psycopg, connect, print, "the shop"):
        until(lambda: not threads())
    assert caplog.messages == ["the shop refuses to send notifications: no password"]


def test_a_server_that_is_down_is_tried_again(caplog, monkeypatch):
    """Each attempt is logged, and the end of the block ends the wait for the next one."""
    caplog.set_level("INFO", "clarion.worker")
    monkeypatch.setattr(notifications, "RECONNECT_SECONDS", 0.01)
    attempts = threading.Semaphore(0)

    def connect():
        attempts.release()
        raise ConnectionError from psycopg.OperationalError("down")

    with listening(psycopg, connect, print, "the shop"):
        for _ in range(3):
            assert attempts.acquire(timeout=30)
        monkeypatch.setattr(notifications, "RECONNECT_SECONDS", 600.0)
        until(lambda: "The notifications of the shop were interrupted." in caplog.messages)
    assert not threads()


def test_with_another_driver_nothing_is_opened():
    """Without psycopg there is no thread."""
    with listening(sqlite3, pytest.fail, print, "the shop"):
        assert not threads()


def test_with_an_older_psycopg_nothing_is_opened(monkeypatch):
    """The wait of psycopg 3.1 has no limit, so there is no thread."""
    monkeypatch.delattr(psycopg, "capabilities")
    with listening(psycopg, pytest.fail, print, "the shop"):
        assert not threads()
