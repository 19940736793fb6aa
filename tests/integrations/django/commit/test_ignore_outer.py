"""commits() in tests whose atomic block is rolled back: Django's TestCase, pytest-django's db."""

import unittest
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test import TestCase, TransactionTestCase

from clarion import Signal, on_commit
from clarion.integrations.django.commit.ignore_outer import _OUTER
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
    """They run at once outside such a block; without commits() they do not run."""
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


def test_hooks_of_the_application_run_too(db, commits, ran):
    """They run in the order of registration; a robust one may fail."""

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
    """`save()` is in no atomic block of its own, so the receiver runs at once."""
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
    leave = transaction.Atomic.__exit__
    with block(), block():
        assert transaction.Atomic.__exit__ is not leave
    assert transaction.Atomic.__exit__ is leave
    assert _OUTER not in connection.__dict__


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
