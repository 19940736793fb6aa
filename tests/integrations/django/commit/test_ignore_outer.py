"""commits() in tests whose atomic block is rolled back: Django's TestCase, pytest-django's db."""

import unittest
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test import TestCase, TransactionTestCase

from clarion import Signal, on_commit
from clarion.integrations.django.commit.autocommit import OUTER
from clarion.testing import commits as block
from tests.integrations.django.library.models import Author

paid = Signal()


class Undo(Exception):  # noqa: N818
    """Rolls a block back."""


@pytest.fixture
def ran():
    """Return the numbers that a receiver after the commit was called with."""
    numbers = []
    paid.connect(lambda sender, n, **kwargs: numbers.append(n), delivery=on_commit)
    return numbers


def test_receivers_run_at_the_end_of_the_inner_block(db, ran):
    """Inside commits() receivers run at the end of the block, or at once outside of one."""
    paid.send(None, n=0)
    with block():
        with transaction.atomic():
            paid.send(None, n=1)
            assert ran == []
        assert ran == [1]
        paid.send(None, n=2)
        assert ran == [1, 2]
    with transaction.atomic():
        paid.send(None, n=3)
    assert ran == [1, 2]


def test_the_fixture_comes_after_the_database(commits, db, ran):
    """A test may name the two fixtures in either order."""
    with transaction.atomic():
        paid.send(None, n=1)
    assert ran == [1]


def test_savepoints_are_respected(db, commits, ran):
    """Calls of a savepoint that was rolled back do not run."""
    with transaction.atomic():
        paid.send(None, n=1)
        with suppress(Undo), transaction.atomic():
            paid.send(None, n=2)
            raise Undo
        with transaction.atomic():
            paid.send(None, n=3)
        assert ran == []
    assert ran == [1, 3]
    with suppress(Undo), transaction.atomic():
        paid.send(None, n=4)
        raise Undo
    assert ran == [1, 3]


def test_blocks_without_a_savepoint_count_too(db, commits, ran):
    """Receivers run at the end of a block for which Django sets no savepoint."""
    with transaction.atomic(savepoint=False):
        paid.send(None, n=1)
    assert ran == [1]


def test_receivers_of_receivers_run(db, commits, ran):
    """Receivers that the receivers' own sends schedule run too, until none is left."""

    def pass_on(sender, n, **kwargs):
        if n < 3:
            with transaction.atomic():
                Author.objects.create(name=str(n))
                paid.send(None, n=n + 1)

    paid.connect(pass_on, delivery=on_commit)
    with transaction.atomic():
        paid.send(None, n=1)
    assert ran == [1, 2, 3]
    assert Author.objects.count() == 2


def test_hooks_do_not_run_inside_one_another(db, commits):
    """A hook that begins and ends a transaction runs that one's hooks, and then the next runs."""
    order = []

    def first():
        order.append("begin")
        with transaction.atomic():
            transaction.on_commit(lambda: order.append("inner"))
        order.append("end")

    with transaction.atomic():
        transaction.on_commit(first)
        transaction.on_commit(lambda: order.append("next"))
    assert order == ["begin", "inner", "end", "next"]


def test_a_hook_is_not_blamed_on_a_receiver(db, commits, caplog):
    """The hook that raises is the culprit, not the receiver before it, which has run."""
    done = Signal()

    def begin(sender, **kwargs):
        with transaction.atomic():
            pass

    done.connect(begin, delivery=on_commit)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        [(_, scheduled)] = done.send(None)
        transaction.on_commit(lambda: 1 / 0)
    assert scheduled.status == "ran"
    assert caplog.records == []


def test_hooks_after_one_that_raises_do_not_run(db, commits, ran, caplog):
    """After a hook that raises, the later ones are abandoned and logged, as after a real commit."""
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        transaction.on_commit(lambda: 1 / 0)
        [(_, scheduled)] = paid.send(None, n=1)
    assert scheduled.status == "abandoned"
    (record,) = caplog.records
    assert "followed by a hook that raised" in record.getMessage()
    with transaction.atomic():
        paid.send(None, n=2)
    assert ran == [2]


def test_a_block_without_a_savepoint_can_be_rolled_back(db, commits, ran):
    """A rolled back block without a savepoint leaves no row and no call, and the next block works."""
    with suppress(Undo), transaction.atomic(savepoint=False):
        Author.objects.create(name="a")
        paid.send(None, n=1)
        raise Undo
    with transaction.atomic(savepoint=False):
        paid.send(None, n=2)
        transaction.set_rollback(True)
    assert Author.objects.count() == 0
    with transaction.atomic():
        paid.send(None, n=3)
    assert ran == [3]


def test_a_durable_block(db, commits, ran):
    """A durable block counts as the outermost one, inside a block of the test too."""
    with transaction.atomic(), block(), transaction.atomic(durable=True):
        with pytest.raises(RuntimeError), transaction.atomic(durable=True):
            """Not inside another one."""
        paid.send(None, n=1)
    assert ran == [1]


def test_hooks_of_the_application_run_too(db, commits, ran):
    """Hooks of the application run in the order of registration, and a robust one may fail."""

    def fail():
        raise ValueError("no")

    with transaction.atomic():
        paid.send(None, n=1)
        transaction.on_commit(fail, robust=True)
        transaction.on_commit(lambda: ran.append("hook"))
        paid.send(None, n=2)
    assert ran == [1, "hook", 2]


def test_a_hook_that_is_not_robust_raises(db, commits):
    """The end of the block raises what the hook has raised."""
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        transaction.on_commit(lambda: 1 / 0)


def test_model_signals_too(db, commits):
    """The receiver of a `save()` outside a block runs at once."""
    saved = []

    def received(sender, instance, **kwargs):
        saved.append(instance.name)

    post_save.connect(received, sender=Author, delivery=on_commit)
    Author.objects.create(name="a")
    assert saved == ["a"]
    with transaction.atomic():
        Author.objects.create(name="b")
        assert saved == ["a"]
    assert saved == ["a", "b"]


def test_nothing_is_left_behind(db):
    """Nested blocks leave the connection and Django's class as they were."""
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__
    wrappers = list(connection.execute_wrappers)
    with block(), block():
        assert transaction.Atomic.__exit__ is not leave
    assert transaction.Atomic.__enter__ is enter
    assert transaction.Atomic.__exit__ is leave
    assert connection.execute_wrappers == wrappers
    assert "on_commit" not in connection.__dict__
    assert OUTER not in connection.__dict__


class Cases(unittest.TestCase):
    """Django's own test cases."""

    def run_case(self, base: Any):
        received = []

        class Case(base):
            def test(self):
                def receive(sender, n, **kwargs):
                    received.append(n)

                paid.connect(receive, delivery=on_commit)
                with block():
                    with transaction.atomic():
                        paid.send(None, n=1)
                    with self.captureOnCommitCallbacks() if base is TestCase else nullcontext():
                        paid.send(None, n=2)
                paid.disconnect(receive)

        result = unittest.TestResult()
        Case("test").run(result)
        assert not result.errors + result.failures, result
        return received

    @pytest.mark.django_db
    def test_case(self):
        """In a TestCase, whose transaction stays open, receivers run."""
        assert self.run_case(TestCase) == [1, 2]

    @pytest.mark.django_db(transaction=True)
    def test_transaction_case(self):
        """A TransactionTestCase really commits, and nothing runs twice."""
        assert self.run_case(TransactionTestCase) == [1, 2]
