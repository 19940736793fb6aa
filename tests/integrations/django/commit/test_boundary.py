"""The same transactions and savepoints as Django's on_commit."""

import gc
import logging
import weakref
from contextlib import suppress
from functools import partial

import pytest
from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal as DjangoSignal
from django.dispatch import receiver

from clarion import on_commit
from clarion.commit import suppressed
from clarion.errors import TransactionError
from clarion.tail.pending import watch_pending
from tests.integrations.django.commit.sends import counts, create, order_paid, undone
from tests.integrations.django.library.models import Author


def test_a_rolled_back_savepoint_drops_its_own(database, ran, note):
    """A rollback drops and counts the calls of its savepoint; those before, after and around it run."""
    with transaction.atomic(database):
        create("a", database)
        with undone(database):
            create("b", database)
            with transaction.atomic(database):
                create("c", database)
        create("d", database)
    assert ran == ["a", "d"]
    assert counts(post_save, note)["dropped"] == 2


def test_a_block_marked_for_rollback_drops(database, ran, note):
    """set_rollback() is a rollback, though no exception leaves the block."""
    with transaction.atomic(database):
        create("a", database)
        transaction.set_rollback(True, using=database)
    assert ran == []


@pytest.mark.service
def test_a_lost_connection_drops(postgres, ran, note):
    """Closing the connection inside a block drops the block's calls."""
    with undone(postgres):
        create("a", postgres)
        connections[postgres].close()
    assert ran == []
    create("b", postgres)
    assert ran == ["b"]


@pytest.mark.service
def test_a_backend_that_the_server_ends_drops(postgres, ran, note):
    """If the server ends the connection, the COMMIT fails; on a new connection the next call runs."""

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
    """A send waits for its own database, not for the innermost block."""
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
    """A rollback drops the calls of its own database only."""
    with undone(database), transaction.atomic(other):
        create("there", other)
        create("here", database)
    assert ran == ["there"]


def test_autocommit_off_is_refused(database, ran, note):
    """With autocommit off, a send outside atomic() is refused, because Django reports no commit by hand."""
    transaction.set_autocommit(False, using=database)
    try:
        with pytest.raises(TransactionError, match=r"has autocommit off.* Send inside transaction"):
            order_paid.send(None, name="a", instance=None, using=database)
        with transaction.atomic(database):
            order_paid.send(None, name="b", using=database)
        assert ran == []
        transaction.commit(using=database)
    finally:
        transaction.set_autocommit(True, using=database)
    assert ran == ["b"]  # as Django: once autocommit is on again


def test_autocommit_off_is_known_before_there_is_a_connection(other, ran, note, monkeypatch):
    """Reading the autocommit mode opens no connection."""
    connections[other].close()
    with monkeypatch.context() as patch:
        patch.setitem(connections[other].settings_dict, "AUTOCOMMIT", False)
        with pytest.raises(TransactionError):
            order_paid.send(None, name="a", using=other)
    assert connections[other].connection is None


def test_weak_receivers_run_though_they_have_died(transactional_db, ran):
    """A pending call holds its receiver until it has run, although Django holds receivers weakly."""

    def receive(sender, **kwargs):
        ran.append("ran")

    post_save.connect(receive, sender=Author, delivery=on_commit)
    gone = weakref.ref(receive)
    with transaction.atomic():
        create("a")
        del receive
        assert ran == []
    assert ran == ["ran"]
    gc.collect()
    assert gone() is None
    create("b")
    assert ran == ["ran"]


def test_lazy_senders_and_strong_receivers(transactional_db, ran):
    """Django's decorator takes the delivery beside all of Django's arguments."""

    @receiver(post_save, sender="library.Author", weak=False, dispatch_uid="u", delivery=on_commit)
    def receive(sender, instance, **kwargs):
        ran.append(instance.name)

    del receive
    try:
        with transaction.atomic():
            create("a")
            assert ran == []
        assert ran == ["a"]
    finally:
        assert post_save.disconnect(sender=Author, dispatch_uid="u")


def test_below_a_wrapper_of_live_receivers(transactional_db, ran, note, monkeypatch):
    """A package that wraps each receiver, as Sentry does, also wraps a receiver that waits for the commit."""
    below = DjangoSignal._live_receivers

    def live_receivers(self, sender):
        receivers, async_receivers = below(self, sender)
        return [lambda __r=each, **kwargs: __r(**kwargs) for each in receivers], async_receivers

    monkeypatch.setattr(DjangoSignal, "_live_receivers", live_receivers)
    with transaction.atomic():
        create("a")
        assert ran == []
    assert ran == ["a"]


def test_the_order_beside_on_commit(database, ran, note):
    """Receivers and hooks of transaction.on_commit run in the order in which they were registered."""
    hook = partial(transaction.on_commit, using=database)
    with transaction.atomic(database):
        hook(lambda: ran.append("first"))
        create("a", database)
        hook(lambda: ran.append("last"))
    assert ran == ["first", "a", "last"]


def test_a_receiver_that_raises(database, ran, note, caplog):
    """If a receiver raises, the others run, the commit succeeds, and the error is counted and logged."""

    def fail(sender, **kwargs):
        raise ZeroDivisionError("in fail")

    post_save.connect(fail, sender=Author, delivery=on_commit, priority=5)
    with caplog.at_level(logging.ERROR), transaction.atomic(database):
        sent = post_save.send(Author, instance=Author(name="Secret"), using=database)
        [scheduled] = [response for target, response in sent if target is fail]
        transaction.on_commit(lambda: ran.append("hook"), using=database)
    assert ran == ["Secret", "hook"]
    assert counts(post_save, fail) == {"scheduled": 1, "failed": 1}
    assert (scheduled.status, str(scheduled.response)) == ("failed", "in fail")
    [record] = caplog.records
    assert record.name == "clarion"
    assert "fail of signal" in record.message
    assert "with instance, using, failed after the commit of Django's database" in record.message
    assert "Secret" not in caplog.text


def test_suppressed(database, ran, note):
    """Inside suppressed() no callback is registered with Django."""
    with transaction.atomic(database), suppressed("a fixture") as quiet:
        create("a", database)
        assert connections[database].run_on_commit == []
    assert (ran, quiet.count) == ([], 1)


@pytest.mark.parametrize("options", [{}, {"coalesce": "using"}], ids=["each", "merged"])
@pytest.mark.parametrize("is_model", [False, True], ids=["signal", "model"])
def test_a_reader_of_tail_sees_how_long_a_call_took(database, options, is_model):
    """The time of a call after the commit is measured, also with the copy of an instance."""
    signal = post_save if is_model else order_paid
    ended = []

    def report(call, outcome, seconds, error):
        ended.append((outcome, seconds is not None, error))

    def receive(sender, **kwargs):
        """Receive."""

    signal.connect(receive, delivery=on_commit(**options))
    try:
        with transaction.atomic(database):
            for name in "ab":
                sends = {"instance": Author(pk=1, name=name), "using": database}
                for _, response in signal.send(Author, **sends):
                    watch_pending(response, report)
    finally:
        signal.disconnect(receive)
    made = [("returned", True, None)]
    assert ended == ([("merged", False, None), *made] if options else made * 2)
