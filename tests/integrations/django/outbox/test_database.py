"""A database of Django's, as a worker uses it."""

import asyncio
import contextlib
import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, Error, OperationalError, connections, transaction

from clarion.errors import ArgumentError
from clarion.integrations.django.outbox.connection import AsyncDjangoConnection, DjangoConnection
from clarion.integrations.django.outbox.database import DjangoDatabase
from clarion.outbox import store
from clarion.outbox.delivery_row import BLOCKED_BY_DEAD
from clarion.outbox.tables import check_tables
from clarion.worker import Worker
from tests.integrations.django.library.models import Author
from tests.integrations.django.outbox.receivers import connected, order_paid
from tests.integrations.django.outbox.sends import authors, count, publish


class UndoError(Exception):
    """Rolls a block back."""


@pytest.fixture
def database(alias):
    """The database of the worker."""
    return DjangoDatabase(alias)


def in_a_thread(function):
    """Call a function in a thread, and return what it returned or raise what it raised."""
    results: list[tuple[Any, Any]] = []

    def call():
        try:
            results.append((function(), None))
        except Exception as error:  # noqa: BLE001  # raised in the caller's thread
            results.append((None, error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    [(result, error)] = results
    if error is not None:
        raise error
    return result


def test_it_names_its_database(database, alias):
    """Messages name the alias, which is no secret."""
    assert database.name == f"Django's database '{alias}'"
    assert repr(database) == f"<DjangoDatabase {alias}>"
    assert database.dialect == DjangoConnection(alias).dialect
    with pytest.raises(ArgumentError, match="'shard_7', which DATABASES does not have"):
        DjangoDatabase("shard_7")


def test_the_workers_connection_is_its_own(database, alias):
    """The worker claims and settles beside the transactions of receivers, from any thread."""
    with transaction.atomic(using=alias):
        publish(DjangoConnection(alias))
    connection = database.connect()
    assert connection.connection is not connections[alias].connection

    def claim():
        with connection.transaction():
            return store.claim(connection, "mail", 10, 30_000)

    try:
        check_tables(connection)
        [claimed] = in_a_thread(claim)
        assert count(alias) == 1
        with connection.transaction():
            store.settle(connection, [claimed])
        assert count(alias) == 0
    finally:
        connection.close()


def test_the_workers_connection_is_in_autocommit_mode(database, alias, monkeypatch):
    """The worker's connection is in autocommit mode whatever the settings say, and not from a pool."""
    settings = connections[alias].settings_dict
    monkeypatch.setitem(settings, "AUTOCOMMIT", False)
    connection = database.connect()
    try:
        connection.change("block", receiver="mail", key="7", delay=60_000)
        assert count(alias, "blocked") == 1
    finally:
        connection.close()
    assert settings["AUTOCOMMIT"] is False


def test_a_receivers_writes_commit_with_the_settlement(database, alias):
    """A receiver's writes are committed or rolled back with the settlement."""
    with transaction.atomic(using=alias):
        publish(DjangoConnection(alias))
        [claimed] = store.claim(DjangoConnection(alias), "mail", 10, 30_000)

    def call(error):
        with database.transaction() as entered:
            Author.objects.using(alias).create(name="a")
            store.settle(entered.connection, [claimed])
            if error is not None:
                raise error

    with pytest.raises(UndoError):
        in_a_thread(lambda: call(UndoError()))
    assert (authors(alias), count(alias)) == (0, 1)
    in_a_thread(lambda: call(None))
    assert (authors(alias), count(alias)) == (1, 0)


def test_a_call_inside_a_block_keeps_its_connection(database, alias):
    """A test calls engines' receivers inside its transaction, and its rows stay visible and undoable."""

    def call():
        with contextlib.suppress(UndoError), transaction.atomic(using=alias):
            Author.objects.using(alias).create(name="of the test")
            with database.transaction():
                assert authors(alias) == 1
            assert authors(alias) == 1
            raise UndoError
        with database.transaction():
            assert authors(alias) == 0
        return connections[alias].connection  # as after a request, because CONN_MAX_AGE is 0

    assert in_a_thread(call) is None


def test_a_thread_keeps_its_connection_while_it_serves(database, alias):
    """A thread keeps its connection while it serves, and closes it at the end."""

    def serve():
        seen = []
        with database.serving_thread():
            for _ in range(2):
                with database.transaction():
                    authors(alias)
                seen.append(connections[alias].connection)
        return seen, connections[alias].connection

    (first, second), after = in_a_thread(serve)
    assert first is second is not None
    assert after is None


def test_without_that_a_connection_follows_the_settings(database, alias):
    """With CONN_MAX_AGE of 0 the connection is closed after each call, as after a request."""

    def call():
        with database.transaction():
            authors(alias)
        return connections[alias].connection

    assert in_a_thread(call) is None


def test_a_lost_connection_is_replaced(database, alias):
    """After a lost connection, the next call of the thread connects again."""

    def serve():
        with database.serving_thread():
            with pytest.raises(Error), database.transaction():
                connections[alias].connection.close()
                connections[alias].errors_occurred = True
                raise OperationalError
            with database.transaction():
                return authors(alias)

    assert in_a_thread(serve) == 0


def test_async_receivers_have_a_connection_each(database, alias):
    """Concurrent async receivers have a connection each, so one rolls back without the other."""
    ready = []

    async def receive(name, error):
        async with database.atransaction() as entered:
            assert type(entered.connection) is AsyncDjangoConnection
            await Author.objects.using(alias).acreate(name=name)
            await entered.connection.change(
                "unblock", receiver="mail", key="7", dead=BLOCKED_BY_DEAD
            )
            ready.append(await sync_to_async(lambda: connections[alias].connection)())
            if error is not None:
                raise error

    async def both():
        if database.dialect == "sqlite":  # which has one writer at a time
            await asyncio.gather(receive("a", UndoError()), return_exceptions=True)
            await receive("b", None)
            return
        results = await asyncio.gather(
            receive("a", UndoError()), receive("b", None), return_exceptions=True
        )
        assert type(results[0]) is UndoError
        assert results[1] is None

    asyncio.run(both())
    used = 1 if database.dialect == "sqlite" else 2  # one after the other, or at the same time
    assert len({id(each) for each in ready}) == used
    assert [each.name for each in Author.objects.using(alias).all()] == ["b"]


def test_objects_are_loaded_in_the_thread_of_an_async_receiver(database, alias):
    """The objects of an async receiver are loaded in a thread and not on the event loop."""

    async def load():
        async with database.atransaction() as entered:
            assert entered.run_sync is not None
            return await entered.run_sync(lambda: authors(alias))

    assert asyncio.run(load()) == 0


def end_by_statement(using, **kwargs):
    """End the transaction of the delivery without Django's knowledge."""
    with connections[using].cursor() as cursor:
        cursor.execute("ROLLBACK")


def pass_an_error(using, **kwargs):
    """Write, and pass an error after which PostgreSQL commits nothing."""
    Author.objects.using(using).create(name="a")
    with contextlib.suppress(DatabaseError), connections[using].cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")


def leave_a_block(using, **kwargs):
    """Write in a block, and do not end it."""
    transaction.atomic(using=using).__enter__()
    Author.objects.using(using).create(name="a")


@pytest.mark.parametrize("receive", [end_by_statement, pass_an_error, leave_a_block])
def test_a_receiver_whose_transaction_has_ended_has_failed(database, alias, receive):
    """Otherwise its delivery would count as made, and be made again and again."""
    is_aborted = receive is not pass_an_error or database.dialect == "postgresql"
    with connected(receive, effects="same database", retries=0, database=alias):
        order_paid.send(None, using=alias)
        assert dict(Worker(database).drain()) == {"dead" if is_aborted else "made": 1}
    assert count(alias, "dead") == is_aborted
    assert authors(alias) == (not is_aborted)


def leave_a_transaction(using, **kwargs):
    """Begin a transaction without Django's knowledge, and do not end it."""
    connections[using].cursor().execute("BEGIN")
    Author.objects.using(using).create(name="a")


def fail_in_a_block(using, **kwargs):
    """Raise in a block that has no end."""
    leave_a_block(using)
    raise UndoError("Undone.")


async def leave_a_block_in_a_thread(using, **kwargs):
    """Do the same in async code."""
    await sync_to_async(leave_a_block)(using)


async def fail_in_a_thread(using, **kwargs):
    """Raise there."""
    await sync_to_async(fail_in_a_block)(using)


@pytest.mark.parametrize(
    ("receive", "reason"),
    [
        (leave_a_block, "BoundaryError: The receiver has left a transaction open"),
        (leave_a_transaction, "BoundaryError: The receiver has left a transaction open"),
        (leave_a_block_in_a_thread, "BoundaryError: The receiver has left a transaction open"),
        (fail_in_a_block, "UndoError: Undone."),
        (fail_in_a_thread, "UndoError: Undone."),
    ],
)
def test_a_receiver_that_leaves_a_transaction_open_has_failed(database, alias, receive, reason):
    """What it wrote is rolled back. The next receiver of the thread gets another connection."""
    with connected(receive, retries=0, database=alias):
        order_paid.send(None, using=alias)
        assert dict(Worker(database).drain()) == {"dead": 1}
    assert authors(alias) == 0
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT error FROM clarion_dead")
        assert reason in cursor.fetchone()[0].splitlines()[-1]


def mark_for_rollback(using, **kwargs):
    """Do what an error of a save does that leaves no block of its own."""
    Author.objects.using(using).create(name="b")
    transaction.set_rollback(True, using=using)


async def mark_for_rollback_in_a_thread(using, **kwargs):
    """Do the same in async code."""
    await sync_to_async(mark_for_rollback)(using)


@pytest.mark.parametrize("receive", [mark_for_rollback, mark_for_rollback_in_a_thread])
def test_a_receiver_whose_writes_are_rolled_back_has_failed(database, alias, receive):
    """It has a transaction although it has not asked for one, because an instance is loaded in it."""
    author = Author.objects.using(alias).create(name="a")
    with connected(receive, retries=0, database=alias):
        order_paid.send(None, using=alias, author=author)
        assert dict(Worker(database).drain()) == {"dead": 1}
    assert authors(alias) == 1
