"""Statements outside the blocks that count, inside commits(): each stands alone."""

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from clarion import on_commit
from clarion.testing import commits
from tests.integrations.django.commit.sends import create
from tests.integrations.django.library.models import Author, Copy


@pytest.fixture
def in_a_test(database):
    """Open the blocks of a test that is rolled back, with commits() inside, on each database."""
    with transaction.atomic(database):
        with commits():
            yield database
        transaction.set_rollback(True, database)


def break_a_constraint(using):
    """Save two rows with one unique value, the second of which the database refuses."""
    for _ in range(2):
        Copy.objects.using(using).create(code="same")


@pytest.mark.parametrize("is_inside", [True, False], ids=["after the commit", "at once"])
def test_a_receiver_that_breaks_a_constraint(in_a_test, is_inside, caplog):
    """A receiver that breaks a constraint keeps its first row, and later receivers and queries work."""
    counts = []

    def fails(sender, instance, **kwargs):
        break_a_constraint(in_a_test)

    def counting(sender, instance, **kwargs):
        counts.append(Copy.objects.using(in_a_test).count())

    for receiver in (fails, counting):
        post_save.connect(receiver, sender=Author, delivery=on_commit)
    if is_inside:
        with transaction.atomic(in_a_test):
            create("a", in_a_test)
    else:
        create("a", in_a_test)
    assert counts == [1]
    assert [record.exc_info[0] for record in caplog.records] == [IntegrityError]
    assert Author.objects.using(in_a_test).count() == 1
    with transaction.atomic(in_a_test):
        create("b", in_a_test)
    assert counts == [1, 1]


def test_the_caller_catches_the_error(in_a_test):
    """A receiver, or the test, may catch the error and go on, in SQL of its own too."""
    with pytest.raises(IntegrityError):
        break_a_constraint(in_a_test)
    with connections[in_a_test].cursor() as cursor:
        with pytest.raises(IntegrityError):
            cursor.execute("INSERT INTO library_copy (code, stamp) VALUES ('same', 0)")
        cursor.execute("SELECT COUNT(*) FROM library_copy")
        assert cursor.fetchone() == (1,)


def test_a_block_that_breaks_a_constraint(in_a_test):
    """A block that breaks a constraint is rolled back as a whole, with a savepoint or without."""
    for savepoint in (True, False):
        with pytest.raises(IntegrityError), transaction.atomic(in_a_test, savepoint):
            break_a_constraint(in_a_test)
        assert Copy.objects.using(in_a_test).count() == 0


def test_hooks_outside_a_block_run_at_once(in_a_test):
    """Outside a block hooks run at once, a robust one may fail, and Django refuses what is not callable."""
    ran = []
    transaction.on_commit(lambda: ran.append(1), in_a_test)
    assert ran == [1]
    transaction.on_commit(lambda: 1 / 0, in_a_test, robust=True)
    with pytest.raises(TypeError):
        transaction.on_commit(None, in_a_test)
    with transaction.atomic(in_a_test):
        transaction.on_commit(lambda: ran.append(2), in_a_test)
        assert ran == [1]
    assert ran == [1, 2]


def test_tests_that_count_queries(in_a_test):
    """A test that counts queries does not count the savepoints around statements."""
    with CaptureQueriesContext(connections[in_a_test]) as queries:
        Author.objects.using(in_a_test).count()
    assert len(queries) == 1
