"""on_commit means Django's on_commit: the same transactions, savepoints and tests."""

import asyncio
import gc
import logging
import weakref
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import IntegrityError, InterfaceError, OperationalError, connections, transaction
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import Signal as DjangoSignal
from django.dispatch import receiver
from django.http import HttpResponse
from django.test import Client, TestCase
from django.urls import path

from clarion import Signal, on_commit
from clarion.commit import suppressed
from clarion.errors import RunningLoopError, TransactionError
from clarion.integrations.django import post_bulk_insert
from clarion.introspect import explain, registrations
from tests.integrations.django.library.models import Author, Book, Copy, Item, Page, RareCopy, Stay
from tests.integrations.django.programs import run

order_paid = Signal(name="order_paid")


class Undo(Exception):  # noqa: N818
    """Rolls a block back."""


@contextmanager
def undone(using=None):
    """A block that is rolled back at its end."""
    with suppress(Undo), transaction.atomic(using):
        yield
        raise Undo


@pytest.fixture
def ran():
    """What the receivers have noted."""
    return []


@pytest.fixture
def note(ran):
    """A receiver of post_save and order_paid that notes the `name` or the instance's."""

    def note(sender, instance=None, name=None, **kwargs):
        ran.append(instance.name if instance else name)

    post_save.connect(note, sender=Author, delivery=on_commit)
    order_paid.connect(note, delivery=on_commit)
    yield note
    post_save.disconnect(note, sender=Author)
    order_paid.disconnect(note)


def counts(signal, function):
    """Return what was counted of a receiver."""
    [found] = [each for each in registrations(signal) if each.live() is function]
    delivery: Any = found.delivery
    return {what: count for what, count in delivery.counts.items() if count}


def create(name, using="default"):
    """Save an author."""
    return Author.objects.using(using).create(name=name)


# Transactions


def test_it_runs_after_the_commit(database, ran, note):
    """Not before, and once."""
    with transaction.atomic(database):
        create("a", database)
        assert ran == []
    assert ran == ["a"]
    assert counts(post_save, note) == {"scheduled": 1, "ran": 1}


def test_outside_a_transaction_it_runs_at_once(database, ran, note):
    """There is nothing to wait for."""
    create("a", database)
    assert ran == ["a"]


def test_it_is_dropped_at_a_rollback(database, ran, note):
    """What is not true is not told; that it was dropped is counted."""
    with undone(database):
        create("a", database)
    assert ran == []
    assert counts(post_save, note) == {"scheduled": 1, "dropped": 1}


def test_nested_blocks_wait_for_the_outermost(database, ran, note):
    """Releasing a savepoint is no commit; the order is that of the sends."""
    with transaction.atomic(database):
        with transaction.atomic(database):
            create("a", database)
        with transaction.atomic(database, savepoint=False):
            create("b", database)
        assert ran == []
    assert ran == ["a", "b"]


def test_a_rolled_back_savepoint_drops_its_own(database, ran, note):
    """What was sent before and after it, and in a block around it, runs."""
    with transaction.atomic(database):
        create("a", database)
        with undone(database):
            create("b", database)
            with transaction.atomic(database):
                create("c", database)
        create("d", database)
    assert ran == ["a", "d"]
    assert counts(post_save, note)["dropped"] == 2


def test_durable_blocks_are_blocks(database, ran, note):
    """A durable block is the outermost."""
    with transaction.atomic(database, durable=True):
        create("a", database)
        assert ran == []
    assert ran == ["a"]


def test_a_block_marked_for_rollback_drops(database, ran, note):
    """set_rollback() is a rollback, though no exception leaves the block."""
    with transaction.atomic(database):
        create("a", database)
        transaction.set_rollback(True, using=database)
    assert ran == []


def test_a_failed_commit_drops(database, ran, note):
    """A constraint that is checked at the COMMIT fails it; nothing has become true."""
    block = transaction.atomic(database)
    block.__enter__()
    create("a", database)
    Page.objects.using(database).create(book_id=12345)
    with pytest.raises(IntegrityError):
        block.__exit__(None, None, None)
    assert ran == []
    assert counts(post_save, note)["dropped"] == 1


@pytest.mark.service
def test_a_lost_connection_drops(postgres, ran, note):
    """Whoever closes the connection amid a block gives up what was in it."""
    with undone(postgres):
        create("a", postgres)
        connections[postgres].close()
    assert ran == []
    create("b", postgres)
    assert ran == ["b"]


@pytest.mark.service
def test_a_backend_that_the_server_ends_drops(postgres, ran, note):
    """The COMMIT finds nobody; the connection is made anew, and the next one runs."""

    def lose():
        with transaction.atomic(postgres):
            create("a", postgres)
            with suppress(OperationalError), connections[postgres].cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises((OperationalError, InterfaceError)):
        lose()
    assert ran == []
    connections[postgres].close()
    create("b", postgres)
    assert ran == ["b"]


def test_two_databases_at_once(database, other, ran, note):
    """A send waits for its own database, whatever block is around it."""
    with transaction.atomic(database):
        with transaction.atomic(other):
            create("here", database)
            create("there", other)
            assert ran == []
        assert ran == ["there"]
        create("at once", other)
        assert ran == ["there", "at once"]
    assert ran == ["there", "at once", "here"]


def test_one_database_is_rolled_back_and_not_the_other(database, other, ran, note):
    """Neither drops what belongs to the other."""
    with undone(database), transaction.atomic(other):
        create("there", other)
        create("here", database)
    assert ran == ["there"]


def test_autocommit_off_is_refused(database, ran, note):
    """Outside atomic(), nobody tells of a commit that is made by hand."""
    transaction.set_autocommit(False, using=database)
    try:
        with pytest.raises(TransactionError, match=r"autocommit is off.* Send inside transaction"):
            order_paid.send(None, name="a", instance=None, using=database)
        with transaction.atomic(database):
            order_paid.send(None, name="b", using=database)
        assert ran == []
        transaction.commit(using=database)
    finally:
        transaction.set_autocommit(True, using=database)
    assert ran == ["b"]  # as Django: once autocommit is on again


def test_autocommit_off_is_known_before_there_is_a_connection(other, ran, note, monkeypatch):
    """Asking connects to nothing."""
    connections[other].close()
    with monkeypatch.context() as patch:
        patch.setitem(connections[other].settings_dict, "AUTOCOMMIT", False)
        with pytest.raises(TransactionError):
            order_paid.send(None, name="a", using=other)
    assert connections[other].connection is None


# Which database


def test_a_plain_signal_waits_for_the_default(transactional_db, other, ran, note):
    """A signal of Clarion's that names nothing, in a Django program."""
    with transaction.atomic(other), transaction.atomic():
        [[_, scheduled]] = order_paid.send(None, name="a")
        assert (scheduled.status, ran) == ("waiting", [])
    assert (scheduled.status, ran) == ("ran", ["a"])
    assert scheduled.reason == "it is Django's default"


def test_a_plain_signal_waits_for_its_instance(other, ran, note):
    """A model as the `instance` says where it is kept."""
    author = Author.objects.using(other).create(name="a")
    ran.clear()
    with transaction.atomic(other):
        [[_, scheduled]] = order_paid.send(None, instance=author)
        assert ran == []
    assert ran == ["a"]
    assert (scheduled.boundary, scheduled.reason) == (
        "Django's database 'other'",
        "its instance is kept there",
    )


def test_an_unsaved_instance_is_where_the_router_says(transactional_db, other, ran, note, settings):
    """Nothing keeps it yet."""
    settings.DATABASE_ROUTERS = [f"{__name__}.Router"]
    with transaction.atomic(other):
        order_paid.send(None, instance=Author(name="a"))
        assert ran == []
    assert ran == ["a"]


class Router:
    """Writes to the other database."""

    def db_for_write(self, model, **hints):
        """Return its alias."""
        return "other"


def test_using_outweighs_the_instance(transactional_db, other, ran, note):
    """An alias that is told is believed."""
    with transaction.atomic(other):
        order_paid.send(None, instance=Author(name="a"), using=other)
        assert ran == []
    assert ran == ["a"]


def test_a_receiver_can_insist_on_a_database(transactional_db, other, ran):
    """on_commit(using=...) outweighs all that is sent."""
    signal = Signal()
    signal.connect(lambda **kwargs: ran.append("ran"), delivery=on_commit(using=other))
    with transaction.atomic(other):
        signal.send(None, using="default")
        assert ran == []
    assert ran == ["ran"]


def test_a_custom_signal_of_djangos(transactional_db, other, ran, settings):
    """It waits where its sender, a model, is written; else as everybody."""
    signal = DjangoSignal()
    signal.connect(lambda **kwargs: ran.append("ran"), delivery=on_commit, weak=False)
    with transaction.atomic():
        signal.send(None, using="no alias")
        assert ran == []
    settings.DATABASE_ROUTERS = [f"{__name__}.Router"]
    with transaction.atomic(other):
        signal.send(Author)
        assert ran == ["ran"]
    assert ran == ["ran"] * 2


def test_bulk_writes_wait(database, ran):
    """The signal of a bulk write waits for the database that was written."""
    hear = lambda rowcount, **kwargs: ran.append(rowcount)  # noqa: E731
    post_bulk_insert.connect(hear, sender=Copy, delivery=on_commit)
    try:
        with transaction.atomic(database):
            Copy.objects.using(database).bulk_create([Copy(code="a"), Copy(code="b")])
            assert ran == []
        assert ran == [2]
    finally:
        post_bulk_insert.disconnect(hear, sender=Copy)


def test_explain_says_where(transactional_db, note):
    """What a receiver would wait for, and why."""
    with transaction.atomic():
        told = str(explain(post_save, Author, instance=Author(), using="default"))
    assert (
        "runs after the commit of Django's database 'default': it was sent using='default'" in told
    )
    assert "no transaction is open on Django's database" in str(explain(post_save, Author))


# How receivers are connected


def test_weak_receivers_run_though_they_have_died(transactional_db, ran):
    """Django holds receivers weakly; what is due holds its own until it has run."""

    def hear(sender, **kwargs):
        ran.append("ran")

    post_save.connect(hear, sender=Author, delivery=on_commit)
    gone = weakref.ref(hear)
    with transaction.atomic():
        create("a")
        del hear
        assert ran == []
    assert ran == ["ran"]
    gc.collect()
    assert gone() is None
    create("b")
    assert ran == ["ran"]


def test_lazy_senders_and_strong_receivers(transactional_db, ran):
    """Django's decorator takes the delivery along with all of Django's arguments."""

    @receiver(post_save, sender="library.Author", weak=False, dispatch_uid="u", delivery=on_commit)
    def hear(sender, instance, **kwargs):
        ran.append(instance.name)

    del hear
    try:
        with transaction.atomic():
            create("a")
            assert ran == []
        assert ran == ["a"]
    finally:
        assert post_save.disconnect(sender=Author, dispatch_uid="u")


def test_proxies_and_other_models_are_told_apart(transactional_db, ran):
    """Routing is what it is without the delivery."""
    hear = lambda sender, **kwargs: ran.append(sender)  # noqa: E731
    post_save.connect(hear, sender=RareCopy, delivery=on_commit)
    with transaction.atomic():
        Copy.objects.create(code="a")
        RareCopy.objects.create(code="b")
    assert ran == [RareCopy]


def test_below_a_wrapper_of_live_receivers(transactional_db, ran, note, monkeypatch):
    """Whoever wraps each receiver, as Sentry does, gets one that waits."""
    below = DjangoSignal._live_receivers

    def live_receivers(self, sender):
        found, found_async = below(self, sender)
        return [lambda __r=each, **named: __r(**named) for each in found], found_async

    monkeypatch.setattr(DjangoSignal, "_live_receivers", live_receivers)
    with transaction.atomic():
        create("a")
        assert ran == []
    assert ran == ["a"]


def test_a_program_that_does_not_run_on_clarion():
    """Plain signals wait for Django's default database without the take-over."""
    assert run(
        """
        django.setup()
        from django.db import transaction
        from django.dispatch import Signal as Djangos
        from clarion import Signal, on_commit
        signal = Signal()
        signal.connect(lambda name, **kwargs: print(name), delivery=on_commit)
        signal.send(None, name="at once")
        with transaction.atomic():
            signal.send(None, name="after")
            print("in")
        print("_table" in vars(Djangos()))
        """
    ) == ["at once", "in", "after", "False"]


def test_a_program_without_settings():
    """Who merely has Django imported, and not configured, is in no transaction."""
    assert run(
        "",
        before_setup="""
        import django.db
        from clarion import Signal, on_commit
        signal = Signal()
        signal.connect(lambda **kwargs: print("ran"), delivery=on_commit)
        signal.send(None)
        signal.send(None, using="default")
        """,
    ) == ["ran", "ran"]


def test_a_program_without_databases():
    """Settings may name none."""
    assert run(
        """
        settings.DATABASES = {}
        django.setup()
        from clarion import Signal, on_commit
        signal = Signal()
        signal.connect(lambda **kwargs: print("ran"), delivery=on_commit)
        [[_, scheduled]] = signal.send(None)
        print(scheduled.boundary)
        """
    ) == ["ran", "no transaction"]


# Beside the application's own hooks


def test_the_order_beside_on_commit(database, ran, note):
    """Receivers and hooks run in the order in which they were registered."""
    hook = partial(transaction.on_commit, using=database)
    with transaction.atomic(database):
        hook(lambda: ran.append("first"))
        create("a", database)
        hook(lambda: ran.append("last"))
    assert ran == ["first", "a", "last"]


def test_a_receiver_that_raises(database, ran, note, caplog):
    """The others run, whoever commits hears nothing; it is logged without values, and counted."""

    def fail(sender, **kwargs):
        raise ZeroDivisionError("in fail")

    post_save.connect(fail, sender=Author, delivery=on_commit, priority=5)
    with caplog.at_level(logging.ERROR), transaction.atomic(database):
        sent = post_save.send(Author, instance=Author(name="Secret"), using=database)
        [scheduled] = [response for hearer, response in sent if hearer is fail]
        transaction.on_commit(lambda: ran.append("hook"), using=database)
    assert ran == ["Secret", "hook"]
    assert counts(post_save, fail) == {"scheduled": 1, "failed": 1}
    assert (scheduled.status, str(scheduled.response)) == ("failed", "in fail")
    [record] = caplog.records
    assert record.name == "clarion"
    assert "fail of signal" in record.message
    assert "with instance, using, failed after the commit of Django's database" in record.message
    assert "Secret" not in caplog.text


def test_sends_from_inside(database, ran):
    """The transaction is over: in autocommit they run at once, in a new one after that."""

    def again(sender, instance, **kwargs):
        ran.append(instance.name)
        if instance.name == "a":
            create("b", database)
            with transaction.atomic(database):
                create("c", database)
                ran.append("in c")
            ran.append("end of a")

    post_save.connect(again, sender=Author, delivery=on_commit)
    with transaction.atomic(database):
        create("a", database)
        create("d", database)
    assert ran == ["a", "b", "in c", "c", "end of a", "d"]


def test_suppressed(database, ran, note):
    """Nothing is registered."""
    with transaction.atomic(database), suppressed("a fixture") as quiet:
        create("a", database)
        assert connections[database].run_on_commit == []
    assert (ran, quiet.count) == ([], 1)


# Coalescing


@pytest.fixture
def merge(ran):
    """A receiver that runs once for each author, and notes all that was sent of it."""

    def merge(sender, instance, sends, **kwargs):
        ran.append((instance.name, [sent["nth"] for sent in sends]))

    by_pk = on_commit(coalesce=lambda instance, **kwargs: instance.pk)
    order_paid.connect(merge, delivery=by_pk)
    yield merge
    order_paid.disconnect(merge)


def pay(author, *nths):
    """Send order_paid of an author."""
    for nth in nths:
        [*_, (_, scheduled)] = order_paid.send(None, instance=author, nth=nth)
    return scheduled


def test_coalesced_once_per_key_and_commit(transactional_db, ran, merge):
    """The last stands for all, in the place of the first."""
    a, b = create("a"), create("b")
    with transaction.atomic():
        first = pay(a, 1)
        transaction.on_commit(lambda: ran.append("hook"))
        pay(b, 2)
        last = pay(a, 3, 4)
    assert ran == [("a", [1, 3, 4]), "hook", ("b", [2])]
    assert (first.status, last.status) == ("merged", "ran")
    assert counts(order_paid, merge) == {"scheduled": 4, "merged": 2, "ran": 2}
    with transaction.atomic():
        pay(a, 5)
    assert ran[3:] == [("a", [5])]


def test_coalesced_without_what_was_rolled_back(database, ran, merge):
    """A savepoint that is rolled back takes its sends along, be they the first or the last."""
    a = create("a", database)
    with transaction.atomic(database):
        for nth in range(1, 6):
            with (undone if nth % 2 else transaction.atomic)(database):
                scheduled = pay(a, nth)
            assert scheduled.status == ("dropped" if nth % 2 else "waiting")
    assert ran == [("a", [2, 4])]
    assert counts(order_paid, merge) == {"scheduled": 5, "dropped": 3, "merged": 1, "ran": 1}


def test_coalesced_in_a_transaction_of_a_hook(transactional_db, ran, merge):
    """Another transaction, begun amid the hooks of the first, has its own."""
    a = create("a")

    def hook():
        with transaction.atomic():
            pay(a, 10, 11)

    with transaction.atomic():
        transaction.on_commit(hook)
        pay(a, 1, 2)
    assert ran == [("a", [10, 11]), ("a", [1, 2])]


def test_coalesced_per_database(transactional_db, other, ran, merge):
    """The same key on two databases is two."""
    here, there = create("here"), create("there", other)
    there.pk = here.pk
    with transaction.atomic(), transaction.atomic(other):
        pay(here, 1)
        pay(there, 2)
        pay(here, 3)
    assert ran == [("there", [2]), ("here", [1, 3])]


def test_many_are_merged_in_linear_time(transactional_db, ran, merge):
    """There may be as many sends as there are rows."""
    a = create("a")
    with transaction.atomic():
        pay(a, *range(5_000))
    [(_, nths)] = ran
    assert nths == [*range(5_000)]


# What a receiver sees


def test_what_was_deleted_is_seen_as_it_was(database, ran):
    """Django takes the key from an object that it deletes; the receiver gets it."""
    hear = lambda instance, **kwargs: ran.append((instance.pk, instance.name, instance))  # noqa: E731
    author = create("a", database)
    pk = author.pk
    post_delete.connect(hear, sender=Author, delivery=on_commit)
    with transaction.atomic(database):
        author.delete()
        author.name = "changed"
    assert ran[0][:2] == (pk, "a")
    assert (author.pk, author.name) == (None, "changed")
    assert ran[0][2]._state.db == database
    assert ran[0][2]._state is not author._state


def test_an_instance_that_is_there_is_the_senders(transactional_db, ran):
    """It is no copy, and not read again."""
    hear = lambda instance, **kwargs: ran.append(instance)  # noqa: E731
    pre_save.connect(hear, sender=Author, delivery=on_commit)
    with transaction.atomic():
        author = create("a")  # which had no key when it was sent
    assert ran == [author]
    assert ran[0] is author


def test_an_object_that_never_had_a_key(transactional_db, ran, note):
    """There is nothing to give back."""
    with transaction.atomic():
        order_paid.send(None, instance=Author(name="a"))
    assert ran == ["a"]


def test_a_deleted_key_of_two_columns(transactional_db, ran):
    """Of both columns."""
    hear = lambda instance, **kwargs: ran.append(instance.pk)  # noqa: E731
    stay = Stay.objects.create(room=1, night=2, guest="a")
    post_delete.connect(hear, sender=Stay, delivery=on_commit)
    with transaction.atomic():
        stay.delete()
    assert ran == [(1, 2)]


def test_merged_sends_see_what_was_deleted(transactional_db, ran, merge):
    """Each as it was when it was sent."""
    author = create("a")

    def look(sender, instance, sends, **kwargs):
        ran.append([(sent["instance"].pk, sent["instance"].name) for sent in sends])

    order_paid.connect(look, delivery=on_commit(coalesce="key"))
    pk = author.pk
    try:
        with transaction.atomic():
            order_paid.send(None, instance=author, key=1, nth=1)
            author.name = "b"
            order_paid.send(None, instance=author, key=1, nth=2)
            author.delete()
    finally:
        order_paid.disconnect(look)
    assert [(pk, "a"), (pk, "b")] in ran


def test_changes_are_told_after_the_commit(transactional_db):
    """Changes are as true as they were; the object may have gone on."""
    heard = []
    hear = lambda changes, **kwargs: heard.append(tuple(changes["title"]))  # noqa: E731
    item = Item.objects.create(title="a")
    post_save.connect(hear, sender=Item, delivery=on_commit)
    with transaction.atomic():
        item.title = "b"
        item.save()
        item.title = "c"
        item.save()
        item.delete()
    assert heard == [("a", "b"), ("b", "c")]


# Requests and async code


def atomic_view(request):
    """Write, and fail if asked to."""
    create("by a view")
    if request.GET.get("fail"):
        raise Undo
    return HttpResponse("written")


def sync_view_that_sends_async(request):
    """Send from async code that a sync view in a transaction runs."""
    with transaction.atomic():
        [[_, scheduled]] = async_to_sync(order_paid.asend)(None, name="by a view")
        return HttpResponse(scheduled.status)


async def async_view(request):
    """Write in Django's thread for sync code, and send beside it."""

    @sync_to_async
    def write():
        with transaction.atomic():
            create("in a thread")
            async_to_sync(order_paid.asend)(None, name="asend in a thread")

    await write()
    await order_paid.asend(None, name="at once")
    return HttpResponse("written")


urlpatterns = [
    path("atomic/", atomic_view),
    path("nested/", sync_view_that_sends_async),
    path("async/", async_view),
]


@pytest.fixture
def client(settings):
    """A client of this module's views."""
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


def test_atomic_requests(transactional_db, client, ran, note, monkeypatch):
    """The transaction is the view's."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    assert client.get("/atomic/").content == b"written"
    assert ran == ["by a view"]
    assert client.get("/atomic/?fail=1").status_code == 500
    assert ran == ["by a view"]
    assert counts(post_save, note)["dropped"] == 1


def test_asend_finds_the_connection_of_a_sync_view(transactional_db, client, ran, note):
    """The transaction is open in the thread of the view, not in that of the event loop."""
    assert client.get("/nested/").content == b"waiting"
    assert ran == ["by a view"]


def test_an_async_view(transactional_db, client, ran, note):
    """What is open in Django's thread for sync code is found from there, too."""
    assert client.get("/async/").content == b"written"
    assert ran == ["in a thread", "asend in a thread", "at once"]


def test_async_receivers_find_the_connections(database, ran):
    """They run Django's way, whoever's signal it is: async queries are in the same thread."""

    async def count(sender, **kwargs):
        ran.append(await Author.objects.using(database).acount())

    for signal in (Signal(), DjangoSignal()):
        signal.connect(count, delivery=on_commit, weak=False)
        with transaction.atomic(database):
            create("a", database)
            signal.send(None, using=database)
        signal.send(None, using=database)
    assert ran == [1, 1, 2, 2]


def test_async_receivers_of_asend(transactional_db, ran):
    """Inside a transaction they wait for it; outside they are awaited by the sender."""

    async def hear(sender, nth, **kwargs):
        ran.append((nth, await Author.objects.acount()))

    signal = Signal()
    signal.connect(hear, delivery=on_commit)
    with transaction.atomic():
        async_to_sync(signal.asend)(None, nth=1)
        create("a")
        assert ran == []
    async_to_sync(signal.asend)(None, nth=2)
    assert ran == [(1, 1), (2, 1)]


def test_sync_receivers_of_asend_run_in_djangos_thread(transactional_db, ran):
    """Where nothing is open, a sync receiver finds the connections of the caller."""
    signal = Signal()
    hear = lambda **kwargs: ran.append((kwargs["nth"], Author.objects.count()))  # noqa: E731
    signal.connect(hear, delivery=on_commit)
    create("a")
    async_to_sync(signal.asend)(None, nth=1)
    assert ran == [(1, 1)]


def test_inline_receivers_of_asend(transactional_db, ran):
    """Where nothing is open, they run on the event loop."""
    signal = Signal()
    signal.connect(
        lambda **kwargs: ran.append(asyncio.get_running_loop()), delivery=on_commit, inline=True
    )
    async_to_sync(signal.asend)(None)
    assert len(ran) == 1


def test_dropped_after_asend(transactional_db, ran, note):
    """The event loop keeps nothing of what was rolled back."""
    with undone():
        [[_, scheduled]] = async_to_sync(order_paid.asend)(None, name="a")
    assert (scheduled.status, ran) == ("dropped", [])


def test_a_transaction_in_the_event_loops_own_thread(
    transactional_db, other, ran, note, monkeypatch
):
    """Django allows it if it must; sync receivers wait, async ones could not be awaited."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

    async def hear(sender, **kwargs):
        raise AssertionError

    async def main():
        with transaction.atomic(other):
            await order_paid.asend(None, name="a", using=other)
            order_paid.send(None, name="b", using=other)
            assert ran == []
            order_paid.connect(hear, delivery=on_commit)
            with pytest.raises(RunningLoopError, match="sync code will make"):
                await order_paid.asend(None, name="c", using=other)
            with pytest.raises(RunningLoopError, match="sync code will make"):
                order_paid.send(None, name="d", using=other)
            order_paid.disconnect(hear)
        connections[other].close()  # each context of an event loop has its own

    asyncio.run(main())
    assert ran[:2] == ["a", "b"]


# Tests that roll back


class Captures(TestCase):
    """What Django's own tools make of it."""

    def setUp(self):
        """Connect."""
        self.ran: list[str] = []
        hear = lambda instance, **kwargs: self.ran.append(instance.name)  # noqa: E731
        post_save.connect(hear, sender=Author, delivery=on_commit, weak=False, dispatch_uid="c")
        self.addCleanup(post_save.disconnect, sender=Author, dispatch_uid="c")

    def test_capture(self):
        """One callback for each receiver, which tells whose it is."""
        with self.captureOnCommitCallbacks() as callbacks:
            create("a")
            create("b")
        assert self.ran == []
        assert "Captures.setUp.<locals>.<lambda>" in repr(callbacks[0])
        for callback in callbacks:
            callback()
        assert self.ran == ["a", "b"]

    def test_execute(self):
        """They are run at the end of the block, and not again."""
        with self.captureOnCommitCallbacks(execute=True):
            with self.captureOnCommitCallbacks(execute=True):
                create("a")
            create("b")
        assert self.ran == ["a", "b"]

    def test_savepoints(self):
        """Those of a savepoint that was rolled back are gone."""
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            create("a")
            with undone():
                create("b")
        assert (self.ran, len(callbacks)) == (["a"], 1)


@pytest.mark.django_db
def test_pytest_djangos_fixture(django_capture_on_commit_callbacks, ran, note, merge):
    """It sees them, merged ones too."""
    author = create("a")
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        create("b")
        pay(author, 1, 2)
    assert ran == ["b", "a", ("a", [1, 2]), "a"]
    assert len(callbacks) == 5
    with django_capture_on_commit_callbacks(execute=True):
        pay(author, 3)
    assert ran[-1] == ("a", [3])


@pytest.mark.django_db
def test_nothing_runs_in_a_test_that_rolls_back(ran, note):
    """As Django's hooks."""
    create("a")
    assert Book.objects.count() == 0
    assert ran == []
