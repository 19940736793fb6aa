"""Calls that are written apart from the open transaction of a thread, on Django's connections."""

import subprocess
import sys
import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import ConnectionHandler, OperationalError, transaction

from clarion.background import Call
from clarion.background.apart import call_apart, has_transaction
from clarion.errors import HandOverError

CALL = Call("mail", uuid4(), "{}")


@pytest.fixture
def connections(tmp_path):
    """Yield connections to a database with one table, in which no session has autocommit by itself."""
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "a.db")}
    handler = ConnectionHandler({"default": {**sqlite, "AUTOCOMMIT": False}})
    run(handler, "CREATE TABLE written (thread)")
    handler["default"].commit()
    yield handler
    handler.close_all()


def run(connections, sql, *values):
    """Execute a statement in this thread, and return its rows."""
    with connections["default"].cursor() as cursor:
        return cursor.execute(sql, values).fetchall()


@pytest.mark.django_db  # pytest-django allows no other connection of Django's
def test_a_call_is_committed_in_another_thread(connections):
    """The call is committed by another connection, which is closed then, whatever the settings say."""
    used: list[Any] = []

    def write():
        used.append(connections["default"])
        run(connections, "INSERT INTO written VALUES (?)", threading.current_thread().name)

    call_apart(write, connections, "default", CALL, 10)
    assert run(connections, "SELECT thread FROM written") == [("clarion-enqueue-apart",)]
    assert used[0] is not connections["default"]
    assert used[0].connection is None


@pytest.mark.django_db
def test_an_error_reaches_the_caller(connections):
    """The caller gets the error of the function."""
    with pytest.raises(OperationalError, match="no such table: missing"):
        call_apart(
            lambda: run(connections, "SELECT * FROM missing"), connections, "default", CALL, 10
        )


@pytest.mark.django_db
def test_the_wait_has_a_bound(connections):
    """A call that waits for something that this thread holds fails after the time."""
    goes_on = threading.Event()
    with pytest.raises(HandOverError, match=r"A call of mail was not written within 0\.05 s"):
        call_apart(goes_on.wait, connections, None, CALL, 0.05)
    goes_on.set()


@pytest.mark.django_db
def test_a_transaction_is_open_with_autocommit_off(connections):
    """With autocommit off, a connection that is open has a transaction."""
    assert has_transaction(connections["default"])
    connections["default"].set_autocommit(True)
    assert not has_transaction(connections["default"])
    connections["default"].close()
    assert not has_transaction(connections["default"])


ENQUEUED = """
from uuid import uuid4
import django
from django.conf import settings

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "a.db"}})
django.setup()

from django.db import connection, connections
from clarion.background import Call, Engine
from clarion.background.hold import enqueue_within

used = []

class Asking(Engine):
    holds_thread = True

    def enqueue(self, call):
        connection.ensure_connection()
        used.append(connections["default"])

connection.ensure_connection()
enqueue_within(Asking(), Call("mail", uuid4(), "{}"), 10)
print(used[0] is connections["default"], used[0].connection, connection.connection is None)
"""


def test_a_thread_that_enqueues_keeps_no_old_connection(tmp_path):
    """What an engine queries in the thread that enqueues is closed, as at the end of a request."""
    done = subprocess.run(
        [sys.executable, "-c", ENQUEUED],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "False None False\n", done.stderr


@pytest.mark.django_db(transaction=True)
def test_a_block_is_a_transaction():
    """An atomic block is a transaction."""
    from django.db import connection

    assert not has_transaction(connection)
    with transaction.atomic():
        assert has_transaction(connection)
    assert not has_transaction(connection)


@pytest.mark.django_db
def test_the_block_of_a_test_case_is_not():
    """In a TestCase, calls are written on its connection, which alone sees what the test does."""
    from django.db import connection

    assert connection.in_atomic_block
    assert not has_transaction(connection)
    with transaction.atomic():
        assert not has_transaction(connection)
