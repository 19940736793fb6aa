"""The statements of the outbox on Django's connections."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, OperationalError, ProgrammingError, connections, transaction

from clarion.envelope import Envelope
from clarion.integrations.django.commit.boundary import DjangoBoundary
from clarion.integrations.django.outbox.connection import AsyncDjangoConnection, DjangoConnection
from clarion.outbox import store
from clarion.outbox.delivery_row import Target
from clarion.outbox.notes import note_cure
from tests.integrations.django.library.models import Author
from tests.integrations.django.outbox.sends import authors, count, envelope, publish


class UndoError(Exception):
    """Rolls a block back."""


def test_a_send_is_stored_with_the_writes_of_its_transaction(alias):
    """A delivery is committed with the other writes of its transaction."""
    boundary = DjangoBoundary(alias)
    with transaction.atomic(using=alias):
        Author.objects.using(alias).create(name="a")
        with boundary.write_connection() as connection:
            written = publish(connection, Target("mail"), Target("bill", "7"), note="100 % ä")
        assert connections[alias].in_atomic_block
    assert (authors(alias), count(alias), count(alias, "event")) == (1, 2, 1)
    with boundary.write_connection() as connection:
        [claim] = store.claim(connection, "mail", 10, 30_000)
    assert isinstance(claim.envelope(), Envelope)
    assert claim.envelope().payload == written.payload
    assert claim.envelope().uid == written.uid


def write_and_undo(alias):
    """Write a row, store a send, and fail."""
    Author.objects.using(alias).create(name="a")
    with DjangoBoundary(alias).write_connection() as connection:
        publish(connection)
    raise UndoError


def test_a_rollback_undoes_both(alias):
    """A rollback of the transaction, or of the savepoint around the send, undoes the delivery."""
    with pytest.raises(UndoError), transaction.atomic(using=alias):
        write_and_undo(alias)
    with transaction.atomic(using=alias):
        with pytest.raises(UndoError), transaction.atomic(using=alias):
            write_and_undo(alias)
        Author.objects.using(alias).create(name="b")
    assert (authors(alias), count(alias), count(alias, "event")) == (1, 0, 0)


def test_without_a_transaction_it_begins_a_short_one(alias):
    """Without a transaction the connection begins one, which an error in the block rolls back."""
    boundary = DjangoBoundary(alias)
    with boundary.write_connection() as connection:
        assert connections[alias].in_atomic_block
        publish(connection)
    assert not connections[alias].in_atomic_block
    assert count(alias) == 1
    with pytest.raises(UndoError), boundary.write_connection() as connection:
        publish(connection)
        raise UndoError
    assert count(alias) == 1


def test_half_a_delivery_cannot_be_committed(alias):
    """An error between the statements of a send dooms the transaction, even if it is caught."""
    boundary = DjangoBoundary(alias)
    with transaction.atomic(using=alias):
        with pytest.raises(UndoError), boundary.write_connection() as connection:
            publish(connection)
            raise UndoError
        assert connections[alias].needs_rollback
    assert count(alias, "event") == 0


def test_an_error_is_djangos(alias):
    """A send that is stored twice raises Django's error, and the block rolls back."""
    boundary, written = DjangoBoundary(alias), envelope()
    with pytest.raises(IntegrityError), transaction.atomic(using=alias):
        Author.objects.using(alias).create(name="a")
        for _ in range(2):
            with boundary.write_connection() as connection:
                store.publish(connection, written, [Target("mail")])
    assert (authors(alias), count(alias)) == (0, 0)


def test_a_missing_table_names_the_cure(alias):
    """The error of the database gets a note with the command; the app is installed."""
    boundary = DjangoBoundary(alias)
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE clarion_event RENAME TO hidden")
    try:
        errors = (OperationalError, ProgrammingError)
        with pytest.raises(errors) as info, boundary.write_connection() as connection:
            publish(connection)
    finally:
        with connections[alias].cursor() as cursor:
            cursor.execute("ALTER TABLE hidden RENAME TO clarion_event")
    note_cure(info.value)  # as a send does: one cure is enough
    [note] = info.value.__notes__
    assert f"Run `manage.py migrate --database={alias}`." in note


def test_an_async_send_is_stored_in_the_thread_of_the_connection(alias):
    """Statements are awaited in a transaction, and an error rolls them back."""
    boundary, dialect = DjangoBoundary(alias), DjangoConnection(alias).dialect

    async def store(error):
        async with boundary.awrite_connection() as connection:
            assert type(connection) is AsyncDjangoConnection
            assert connection.dialect == dialect
            parameters = {"receiver": "mail", "key": "7", "delay": None}
            await connection.change("block", **parameters)
            assert len(await connection.rows("now")) == 1
            if error is not None:
                raise error

    with pytest.raises(UndoError):
        asyncio.run(store(UndoError()))
    assert count(alias, "blocked") == 0
    asyncio.run(store(None))
    assert count(alias, "blocked") == 1


def test_an_async_send_joins_the_open_transaction(alias):
    """Code in the thread for sync code has a transaction open, and runs a coroutine in it."""
    boundary = DjangoBoundary(alias)

    async def store():
        async with boundary.awrite_connection() as connection:
            await connection.change("block", receiver="mail", key="7", delay=None)  # type: ignore[misc]

    with pytest.raises(UndoError), transaction.atomic(using=alias):
        async_to_sync(store)()
        assert count(alias, "blocked") == 1
        raise UndoError
    assert count(alias, "blocked") == 0
