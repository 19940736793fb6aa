"""Savepoints that a program sets, releases and rolls back itself, beside Django's atomic()."""

import pytest
from django.db import connections, transaction
from django.db.utils import DatabaseError

from clarion import Signal
from clarion.testing import commits
from tests.commit.test_deep_savepoints import work
from tests.integrations.django.commit.sends import counts, create, order_paid, pay, undone

# Renamed after Django 6.0.
set_savepoint = getattr(transaction, "savepoint_create", None) or transaction.savepoint


def test_a_savepoint_rolled_back_by_hand_drops_its_calls(database, ran, note):
    """A rollback by hand drops the calls sent after the savepoint; the others run."""
    with transaction.atomic(database):
        create("before", database)
        savepoint = set_savepoint(database)
        create("gone", database)
        transaction.savepoint_rollback(savepoint, database)
        create("after", database)
        assert ran == []
    assert ran == ["before", "after"]


def test_the_first_call_may_come_after_the_savepoint(database, ran, note):
    """A rollback drops the first call of a connection too, and so does a second rollback."""
    connections[database].__dict__.pop("clarion_savepoints", None)
    with transaction.atomic(database):
        savepoint = set_savepoint(database)
        for name in ("gone", "gone too"):
            create(name, database)
            transaction.savepoint_rollback(savepoint, database)
        create("kept", database)
    assert ran == ["kept"]


def test_nested_savepoints(database, ran, note):
    """The rollback of an outer savepoint drops the calls of those in it, released or not."""
    with transaction.atomic(database):
        create("1", database)
        outer = set_savepoint(database)
        create("2", database)
        inner = set_savepoint(database)
        create("3", database)
        transaction.savepoint_rollback(inner, database)
        create("4", database)
        transaction.savepoint_commit(inner, database)
        create("5", database)
        transaction.savepoint_rollback(outer, database)
        create("6", database)
    assert ran == ["1", "6"]


@pytest.mark.parametrize("is_rolled_back", [True, False])
def test_a_released_savepoint_keeps_its_calls(database, ran, note, is_rolled_back):
    """savepoint_commit keeps them, and a rollback to an older savepoint drops them."""
    with transaction.atomic(database):
        outer = set_savepoint(database)
        inner = set_savepoint(database)
        create("a", database)
        transaction.savepoint_commit(inner, database)
        if is_rolled_back:
            transaction.savepoint_rollback(outer, database)
    assert ran == ([] if is_rolled_back else ["a"])


def test_atomic_blocks_around_and_inside(database, ran, note):
    """A rollback drops blocks after the savepoint; a block around it can drop the rest."""
    with transaction.atomic(database):
        create("1", database)
        with transaction.atomic(database):
            create("2", database)
            savepoint = set_savepoint(database)
            with transaction.atomic(database):
                create("3", database)
            with undone(database):
                create("4", database)
            transaction.savepoint_rollback(savepoint, database)
            create("5", database)
        with undone(database):
            create("6", database)
            transaction.savepoint_commit(set_savepoint(database), database)
            create("7", database)
    assert ran == ["1", "2", "5"]


def test_the_numbers_of_savepoints_may_begin_again(database, ran, note):
    """After clean_savepoints(), which reuses ids, the newest savepoint of an id counts."""
    with transaction.atomic(database):
        set_savepoint(database)
        create("1", database)
        transaction.clean_savepoints(database)
        savepoint = set_savepoint(database)
        create("2", database)
        transaction.savepoint_rollback(savepoint, database)
    assert ran == ["1"]


def test_merged_calls(transactional_db, ran, merge):
    """Sends that were rolled back are not merged into the others."""
    a = create("a")
    with transaction.atomic():
        pay(a, 1)
        savepoint = set_savepoint()
        gone = pay(a, 2, 3)
        transaction.savepoint_rollback(savepoint)
        assert gone.status == "dropped"
        pay(a, 4)
    assert ran == [("a", [1, 4])]
    assert counts(order_paid, merge) == {"scheduled": 4, "dropped": 2, "merged": 1, "ran": 1}


def test_hooks_of_the_application_are_djangos(transactional_db, ran, note):
    """A function given to transaction.on_commit() runs, as it does without Clarion."""
    with transaction.atomic():
        create("1")
        savepoint = set_savepoint()
        create("2")
        transaction.on_commit(lambda: ran.append("hook"))
        transaction.savepoint_rollback(savepoint)
    assert ran == ["1", "hook"]


def test_a_rollback_that_fails_drops_nothing(transactional_db, ran, note):
    """If the database refuses to roll back to an unknown savepoint, the calls still wait."""
    with transaction.atomic():
        create("1")
        with pytest.raises(DatabaseError):
            transaction.savepoint_rollback("no_such_savepoint")
    assert ran == ["1"]


def test_in_a_test(db, ran, note):
    """In a test, commits() runs the calls that a rollback by hand has left."""
    with commits(), transaction.atomic():
        create("1")
        savepoint = set_savepoint()
        create("2")
        transaction.savepoint_rollback(savepoint)
    assert ran == ["1"]


def test_positions_do_not_pile_up(transactional_db, note):
    """A transaction forgets the savepoints of those before it."""
    for _ in range(3):
        with transaction.atomic():
            set_savepoint()
            create("a")
            for _ in range(5):
                set_savepoint()
    positions = connections["default"].__dict__["clarion_savepoints"]
    assert len(positions) == 5


@pytest.mark.parametrize("is_released", [True, False])
def test_deep_savepoints_take_linear_work(transactional_db, is_released):
    """Eight times as many nested blocks with a send in each take some eight times as many calls."""
    found = []
    for depth in (200, 1_600):
        sent = Signal()
        calls, ran = work(depth, block_for(is_released=is_released), sent)
        assert len(ran) == (depth if is_released else 0)
        found.append(calls)
    few, many = found
    assert many < 8.5 * few


def block_for(*, is_released):
    """Return a function that opens a block, whose outermost one is rolled back or not."""
    opened: list[None] = []

    def block():
        opened.append(None)
        return transaction.atomic() if is_released or len(opened) > 1 else undone()

    return block
