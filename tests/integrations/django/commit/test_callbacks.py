"""Each pending call is one callback of Django's, which tests can capture and keys merge."""

import pytest
from django.db import transaction
from django.db.models.signals import post_save
from django.test import TestCase

from clarion import on_commit
from tests.integrations.django.commit.sends import counts, create, order_paid, pay, undone
from tests.integrations.django.library.models import Author


def test_coalesced_once_per_key_and_commit(transactional_db, ran, merge):
    """One call for each key and commit runs, with the last arguments, in the place of the first."""
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


def test_rolled_back_sends_are_not_coalesced(database, ran, merge):
    """No send of a savepoint that is rolled back is merged, neither the first nor the last."""
    a = create("a", database)
    with transaction.atomic(database):
        for nth in range(1, 6):
            with (undone if nth % 2 else transaction.atomic)(database):
                scheduled = pay(a, nth)
            assert scheduled.status == ("dropped" if nth % 2 else "waiting")
    assert ran == [("a", [2, 4])]
    assert counts(order_paid, merge) == {"scheduled": 5, "dropped": 3, "merged": 1, "ran": 1}


def test_coalesced_in_a_transaction_of_a_hook(transactional_db, ran, merge):
    """A transaction that a hook of the first one begins merges its own sends only."""
    a = create("a")

    def hook():
        with transaction.atomic():
            pay(a, 10, 11)

    with transaction.atomic():
        transaction.on_commit(hook)
        pay(a, 1, 2)
    assert ran == [("a", [10, 11]), ("a", [1, 2])]


def test_coalesced_per_database(transactional_db, other, ran, merge):
    """Sends with the same key on two databases are not merged."""
    here, there = create("here"), create("there", other)
    there.pk = here.pk
    with transaction.atomic(), transaction.atomic(other):
        pay(here, 1)
        pay(there, 2)
        pay(here, 3)
    assert ran == [("there", [2]), ("here", [1, 3])]


def test_many_are_merged_in_linear_time(transactional_db, ran, merge):
    """Merging takes linear time, because there may be a send for each row."""
    a = create("a")
    with transaction.atomic():
        pay(a, *range(5_000))
    [(_, nths)] = ran
    assert nths == [*range(5_000)]


class Captures(TestCase):
    """Django's own tools for tests capture the callbacks."""

    def setUp(self):
        """Connect."""
        self.ran: list[str] = []
        receive = lambda instance, **kwargs: self.ran.append(instance.name)  # noqa: E731
        post_save.connect(receive, sender=Author, delivery=on_commit, weak=False, dispatch_uid="c")
        self.addCleanup(post_save.disconnect, sender=Author, dispatch_uid="c")

    def test_capture(self):
        """Django's capture gets one callback for each receiver, and its repr names the receiver."""
        with self.captureOnCommitCallbacks() as callbacks:
            create("a")
            create("b")
        assert self.ran == []
        assert "Captures.setUp.<locals>.<lambda>" in repr(callbacks[0])
        for callback in callbacks:
            callback()
        assert self.ran == ["a", "b"]

    def test_execute(self):
        """With `execute=True` the callbacks run once, at the end of the block."""
        with self.captureOnCommitCallbacks(execute=True):
            with self.captureOnCommitCallbacks(execute=True):
                create("a")
            create("b")
        assert self.ran == ["a", "b"]

    def test_savepoints(self):
        """Callbacks of a savepoint that was rolled back are not captured."""
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            create("a")
            with undone():
                create("b")
        assert (self.ran, len(callbacks)) == (["a"], 1)


@pytest.mark.django_db
def test_pytest_djangos_fixture(django_capture_on_commit_callbacks, ran, note, merge):
    """pytest-django's fixture captures the callbacks, those of merged sends too."""
    author = create("a")
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        create("b")
        pay(author, 1, 2)
    assert ran == ["b", "a", ("a", [1, 2]), "a"]
    assert len(callbacks) == 5
    with django_capture_on_commit_callbacks(execute=True):
        pay(author, 3)
    assert ran[-1] == ("a", [3])
