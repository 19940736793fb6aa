"""The cure in the error of a send."""

import pytest
from django.db import DatabaseError, OperationalError, connections, transaction

from clarion.integrations.django.commit.boundary import DjangoBoundary
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.notes import add_note
from clarion.outbox.tables import create_tables
from tests.integrations.django.library.models import Author
from tests.integrations.django.outbox.sends import authors, count, publish


@pytest.fixture
def sqlite(other_database, transactional_db):
    """A database of SQLite's with a log, in which readers do not block the writer."""
    with connections[other_database].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
    with transaction.atomic(using=other_database):
        create_tables(DjangoConnection(other_database))
    yield other_database
    with connections[other_database].cursor() as cursor:
        cursor.execute("DELETE FROM clarion_delivery")
        cursor.execute("PRAGMA journal_mode = DELETE")


def test_the_error_of_a_reader_that_cannot_write_has_the_cure(sqlite):
    """If SQLite refuses the write of a transaction that has read, the error has a note with the cure."""
    other = connections[sqlite].copy()
    try:
        with pytest.raises(OperationalError, match="locked") as info, transaction.atomic(sqlite):
            authors(sqlite)
            with other.cursor() as cursor:
                cursor.execute("INSERT INTO library_author (name) VALUES ('b')")
            with DjangoBoundary(sqlite).write_connection() as connection:
                publish(connection)
        [note] = info.value.__notes__
        assert "'transaction_mode': 'IMMEDIATE'" in note
        assert "for the database 'other'" in note
    finally:
        other.close()
    assert count(sqlite) == 0


def test_the_cure_works(sqlite, monkeypatch):
    """With IMMEDIATE, the reading transaction already holds the lock, and the other one waits."""
    connection = connections[sqlite]
    monkeypatch.setattr(connection, "transaction_mode", "IMMEDIATE")
    other = connection.copy()
    try:
        with transaction.atomic(sqlite):
            authors(sqlite)
            with other.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 0")
                with pytest.raises(OperationalError, match="locked"):
                    cursor.execute("INSERT INTO library_author (name) VALUES ('b')")
            with DjangoBoundary(sqlite).write_connection() as outbox:
                publish(outbox)
            Author.objects.using(sqlite).create(name="a")
    finally:
        other.close()
    assert (authors(sqlite), count(sqlite)) == (1, 1)


@pytest.mark.parametrize("cause", [None, ValueError("no such table: clarion_event"), OSError(5)])
def test_any_other_error_gets_no_note(cause):
    """An error whose cure is unknown gets no note."""
    error = DatabaseError("hunter2")
    error.__cause__ = cause
    add_note(error, connections["default"])
    assert not hasattr(error, "__notes__")
