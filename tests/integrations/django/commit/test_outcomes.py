"""An interrupt in a COMMIT of Django's: no receiver is lost without a word."""

import pytest
from django.db import connections, transaction

from tests.commit.interrupts import KINDS, InterruptedByTestError
from tests.integrations.django.commit.sends import create, order_paid
from tests.integrations.django.library.models import Author


@pytest.fixture
def connection(database):
    """Return the connection to a database, which works again after the test."""
    found = connections[database]
    with transaction.atomic(database):  # open it
        pass
    yield found
    found.__dict__.pop("_commit", None)
    found.rollback()
    found.set_autocommit(True)


def interrupt(connection, kind, *, is_made):
    """Let the next COMMIT raise, after it was made or before."""
    commit = connection._commit

    def interrupted():
        del connection.__dict__["_commit"]
        if is_made:
            commit()
        raise kind

    connection.__dict__["_commit"] = interrupted


def pay(database):
    """Save an author and send, in a transaction; return the handles of the calls."""
    responses = []
    try:
        with transaction.atomic(database):
            create("Ann", database)
            responses += order_paid.send(None, name="Ann", using=database)
    except BaseException:  # noqa: BLE001, S110  # the interrupt, or psycopg's error after it
        pass
    return [scheduled for _, scheduled in responses]


@pytest.mark.parametrize("kind", KINDS)
def test_commit_that_was_made(connection, database, kind, note, ran, caplog):
    """If the COMMIT was made, a call whose callback Django discards is logged as abandoned."""
    interrupt(connection, kind, is_made=True)
    [*_, scheduled] = pay(database)
    connection.rollback()
    assert ran == []
    assert scheduled.status == "abandoned"
    assert "does not run after the commit" in caplog.text


def test_commit_that_was_not_made(connection, database, note, ran, caplog):
    """Without its row the call is dropped; on SQLite, Django commits the row later, and it is abandoned."""
    interrupt(connection, InterruptedByTestError, is_made=False)
    [*_, scheduled] = pay(database)
    connection.rollback()
    is_there = Author.objects.using(database).exists()
    assert is_there is (connection.vendor == "sqlite")
    assert ran == []
    assert scheduled.status == ("abandoned" if is_there else "dropped")
    assert ("does not run after the commit" in caplog.text) is is_there


def test_hook_that_raises(connection, database, note, ran, caplog):
    """After a hook that raises, Django calls no other, so the receivers behind it are logged."""

    def fail():
        raise InterruptedByTestError

    responses = []
    with pytest.raises(InterruptedByTestError), transaction.atomic(database):
        transaction.on_commit(fail, using=database)
        create("Ann", database)
        responses += order_paid.send(None, name="Ann", using=database)
    del responses[:-1]
    assert ran == []
    assert responses[0][1].status == "abandoned"
    assert "does not run after the commit" in caplog.text
