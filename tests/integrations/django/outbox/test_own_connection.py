"""Durable receivers inside a test whose transaction is rolled back."""

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import IntegrityError, connections, transaction
from django.db.models.signals import post_delete, post_save
from django.test import TestCase

from clarion import on_commit
from clarion.errors import NotSentError, Reject
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.own_connection import OwnDatabase, own_databases
from clarion.outbox.tables import create_tables
from clarion.testing import adrain, assert_enqueued, commits, drain
from tests.integrations.django.library.models import Author, Topic
from tests.integrations.django.outbox.receivers import (
    anote,
    awrite,
    calls,
    connected,
    note,
    order_paid,
    write,
)
from tests.integrations.django.outbox.sends import authors, count


@pytest.fixture(
    params=[
        "default",
        pytest.param("postgres_database", marks=pytest.mark.service),
        pytest.param("mariadb_database", marks=pytest.mark.service),
    ],
    ids=["sqlite", "postgresql", "mariadb"],
)
def rolled_back(request, transactional_db):
    """The alias of a database whose transaction is rolled back after the test."""
    alias = request.param
    if alias != "default":
        alias = request.getfixturevalue(alias)
        with transaction.atomic(using=alias):
            create_tables(DjangoConnection(alias))
    with transaction.atomic(using=alias):
        yield alias
        transaction.set_rollback(True, using=alias)


def test_deliveries_are_made_in_the_tests_transaction(rolled_back):
    """The receiver sees rows that were not committed, and its own are rolled back with them."""
    alias = rolled_back
    with connected(note, signal=post_save, sender=Author), connected(write, database=alias):
        author = Author.objects.using(alias).create(name="a")
        order_paid.send(None, using=alias, name="b")
        assert calls == []
        assert drain() == {"made": 3}  # a receiver has saved another author
        assert drain() == {}
    assert [call["instance"].name for call in calls] == ["a", "b"]
    assert calls[0]["instance"] == author
    assert authors(alias) == 2
    assert count(alias) == 0


@pytest.mark.parametrize("receiver", [write, awrite])
@pytest.mark.parametrize("effects", [None, "same database"])
def test_async_receivers_use_the_tests_connection_too(rolled_back, receiver, effects):
    """Async receivers use the connection of the test, with and without a transaction of their own."""
    with connected(receiver, database=rolled_back, effects=effects):
        order_paid.send(None, using=rolled_back, name="a")
        assert drain() == {"made": 1}
    assert authors(rolled_back) == 1


@pytest.mark.parametrize("receiver", [write, awrite])
@pytest.mark.parametrize("effects", [None, "same database"])
def test_an_async_test_makes_the_deliveries_of_its_connection(rolled_back, receiver, effects):
    """In asgiref's thread, where the test has written."""

    async def test():
        await order_paid.asend(None, using=rolled_back, name="a")
        assert await adrain() == {"made": 1}
        async with commits():
            await order_paid.asend(None, using=rolled_back, name="b")

    with connected(receiver, database=rolled_back, effects=effects):
        async_to_sync(test)()
    assert authors(rolled_back) == 2


def test_an_async_receiver_gets_its_row(rolled_back):
    """The connection of the test loads the row of an async receiver."""
    with connected(anote, signal=post_save, sender=Author):
        author = Author.objects.using(rolled_back).create(name="a")
        drain()
    assert [call["instance"] for call in calls] == [author]


def test_the_error_of_a_receiver_is_raised(rolled_back):
    """A receiver's error is raised, its writes to the same database are undone, and its delivery stays."""
    with connected(write, database=rolled_back, effects="same database", key="name"):
        order_paid.send(None, using=rolled_back, name="fail")
        with pytest.raises(Reject) as info:
            drain()
        assert "was made by drain()" in info.value.__notes__[0]
        assert (authors(rolled_back), count(rolled_back)) == (0, 1)
        assert drain(raises=False) == {"dead": 1}
    assert (count(rolled_back), count(rolled_back, "dead")) == (0, 1)


def test_a_broken_constraint_breaks_no_other_query(rolled_back):
    """A receiver that breaks a constraint breaks no other query, because it runs in a savepoint."""
    Topic.every.using(rolled_back).create(code="t")

    def break_constraint(using, **kwargs):
        Topic.every.using(using).create(code="t")

    with connected(break_constraint, database=rolled_back, name="b", effects="same database"):
        order_paid.send(None, using=rolled_back)
        with pytest.raises(IntegrityError):
            drain()
    assert authors(rolled_back) == 0


def test_keyed_deliveries_keep_their_order(rolled_back):
    """A keyed delivery that fails stops the others of its key, and no more."""
    with connected(write, database=rolled_back, key="kind", effects="same database"):
        for kind, name in (("a", "fail"), ("a", "behind"), ("b", "beside")):
            order_paid.send(None, using=rolled_back, name=name, kind=kind)
        assert drain(raises=False) == {"dead": 1, "made": 1}
    assert [each.name for each in Author.objects.using(rolled_back).all()] == ["beside"]


def again(using, number, **kwargs):
    """Send the next number."""
    calls.append({"number": number})
    if number:
        order_paid.send(None, using=using, number=number - 1)


def test_deliveries_that_receivers_cause_are_made_too(rolled_back):
    """Deliveries that receivers cause are made too, until none is left."""
    with connected(again, database=rolled_back):
        order_paid.send(None, using=rolled_back, number=3)
        assert drain() == {"made": 4}


def test_a_row_that_is_gone_is_skipped(rolled_back):
    """A row that is gone is treated as `missing` says, and a deletion has its instance."""
    with connected(note, signal=post_save, sender=Author), connected(note, post_delete, Author):
        Author.objects.using(rolled_back).create(name="a").delete()
        assert drain() == {"skipped": 1, "made": 1}
    assert [call["instance"].name for call in calls] == ["a"]


def test_what_waits_is_asserted(rolled_back):
    """A test can assert waiting deliveries by receiver, arguments, key and number."""
    with connected(write, database=rolled_back, key="name"):
        assert assert_enqueued(write, times=0) == []
        order_paid.send(None, using=rolled_back, name="a")
        order_paid.send(None, using=rolled_back, name="b")
        [found] = assert_enqueued(write, name="a", times=1)
        assert found["using"] == rolled_back
        assert len(assert_enqueued(write)) == 2
        assert len(assert_enqueued(write, key="b", name="b")) == 1
        with pytest.raises(NotSentError, match=r"(?s)exactly once.*0 of 2 .*name='a'"):
            assert_enqueued(write, name="c", times=1)
        drain()
        assert_enqueued(write, times=0)


def test_the_rows_of_what_waits_are_loaded(rolled_back):
    """The rows of waiting deliveries are loaded, so that a test compares objects."""
    with connected(note, signal=post_save, sender=Author):
        author = Author.objects.using(rolled_back).create(name="a")
        assert_enqueued(note, instance=author, created=True)


def test_commits_makes_the_deliveries_at_its_end(rolled_back):
    """commits() makes the deliveries after the receivers of on_commit, those of receivers too."""
    log = []

    def later(**kwargs):
        log.append("on_commit")

    order_paid.connect(later, delivery=on_commit)
    with connected(write, database=rolled_back):
        with commits(), transaction.atomic(using=rolled_back):
            order_paid.send(None, using=rolled_back, name="a")
        assert (log, authors(rolled_back)) == (["on_commit"], 1)
    order_paid.disconnect(later)


@pytest.mark.django_db
def test_an_async_test_drains_in_the_thread_of_its_connection():
    """An async test makes deliveries in the thread of its connection."""

    async def test():
        await order_paid.asend(None, using="default", name="a")
        assert await sync_to_async(drain)() == {"made": 1}

    with connected(awrite, database="default"):
        async_to_sync(test)()
    assert authors("default") == 1


def test_only_connected_databases_with_tables_are_drained(rolled_back, other_database):
    """Databases without a connection or tables are left alone, because a TestCase forbids their use."""
    connections[other_database].close()
    aliases = {each.alias for each in own_databases()}
    assert rolled_back in aliases
    assert other_database not in aliases
    assert type(own_databases()[0]) is OwnDatabase


class TestInDjangosTestCase(TestCase):
    """A test of Django's own class."""

    def test_a_test_case_needs_no_worker(self):
        """In a TestCase rows and deliveries are those of the test's transaction, so no worker is needed."""
        with connected(write, database="default"):
            order_paid.send(None, using="default", name="a")
            assert_enqueued(write, name="a")
            drain()
        assert authors("default") == 1


def test_a_database_that_pytest_django_forbids_is_left_out(rolled_back, django_db_blocker):
    """An earlier test may have left its connection open, and this one uses another outbox."""
    assert rolled_back in {each.alias for each in own_databases()}
    with django_db_blocker.block():
        assert own_databases() == []
