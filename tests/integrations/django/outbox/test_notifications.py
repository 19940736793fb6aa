"""Workers of Django that PostgreSQL notifies."""

from contextlib import closing

import pytest
from django.core.management import call_command
from django.db import connections

from clarion.integrations.django.outbox.database import DjangoDatabase
from tests.worker.notified import check_polls, check_woken, check_woken_after_a_loss, threads

pytestmark = pytest.mark.service


@pytest.fixture
def database(postgres_database, transactional_db):
    """Return a database whose tables have no trigger."""
    yield DjangoDatabase(postgres_database)
    with connections[postgres_database].cursor() as cursor:
        cursor.execute("DROP TRIGGER IF EXISTS clarion_notify ON clarion_delivery")
        cursor.execute("DELETE FROM clarion_delivery")
        cursor.execute("DELETE FROM clarion_event")


@pytest.fixture
def sender(database):
    """Return a connection to the outbox."""
    with closing(database.connect()) as connection:
        yield connection


@pytest.fixture
def notifying(database, sender):
    """Return the connection, after the command has created the trigger."""
    call_command("outbox", "create", "--notify", database=database.alias, verbosity=0)
    return sender


@pytest.mark.parametrize("check", [check_woken, check_woken_after_a_loss])
@pytest.mark.parametrize("options", [{}, {"pool": {"min_size": 1, "max_size": 1, "timeout": 1}}])
def test_commits_wake_a_worker(database, notifying, monkeypatch, options, check):
    """A worker is woken, with a pool of one connection too, and after it has lost its connection."""
    connection = connections[database.alias]
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    check(database, notifying, monkeypatch)
    connection.close()
    if options:
        connection.close_pool()


def test_without_a_trigger_a_worker_polls(database, sender):
    """The thread ends at once, and the worker looks at its intervals."""
    check_polls(database, sender)


def test_another_database_does_not_listen(other_database):
    """A database that is not PostgreSQL's has no thread that listens."""
    with DjangoDatabase(other_database).listening(pytest.fail):
        assert not threads()
