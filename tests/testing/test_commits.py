"""Receivers run after commits in tests whose own transaction is rolled back."""

import sqlite3
from contextlib import contextmanager, suppress

import pytest

from clarion import Signal, on_commit
from clarion.commit import atomic
from clarion.testing import commits

paid = Signal()


class Undo(Exception):  # noqa: N818
    """Rolls a block back."""


@contextmanager
def undone(connection=None):
    """A transaction around a test, which is rolled back."""
    with suppress(Undo), atomic(connection):
        yield
        raise Undo


@pytest.fixture
def ran():
    """Return a list of the order_ids that a receiver has heard of after a commit."""
    found = []
    paid.connect(lambda sender, order_id, **kw: found.append(order_id), delivery=on_commit)
    return found


def test_the_transaction_around_a_test_is_absent(ran):
    """Receivers run at the end of the inner one, and at once where there is none."""
    with undone(), commits():
        with atomic():
            paid.send(None, order_id=1)
            assert ran == []
        assert ran == [1]
        paid.send(None, order_id=2)
        assert ran == [1, 2]


def test_without_it_they_wait_for_the_transaction_around(ran):
    """And go with it."""
    with undone():
        with atomic():
            paid.send(None, order_id=1)
        assert ran == []
    assert ran == []


def test_what_was_sent_before_still_waits(ran):
    """Only what is begun inside counts as a transaction; the one around is still rolled back."""
    with undone():
        paid.send(None, order_id=1)
        with commits():
            paid.send(None, order_id=2)
        assert ran == [2]
    assert ran == [2]


def test_savepoints_are_respected(ran):
    """What was rolled back inside the inner transaction is not run at its end."""
    with undone(), commits(), atomic():
        paid.send(None, order_id=1)
        with suppress(Undo), atomic():
            paid.send(None, order_id=2)
            raise Undo
        with atomic():
            paid.send(None, order_id=3)
    assert ran == [1, 3]


def test_receivers_of_receivers_run(ran):
    """It goes on until nothing is left."""

    def pass_on(sender, order_id, **kw):
        if order_id < 3:
            with atomic():
                paid.send(sender, order_id=order_id + 1)

    paid.connect(pass_on, delivery=on_commit)
    with undone(), commits(), atomic():
        paid.send(None, order_id=1)
    assert ran == [1, 2, 3]


def test_rows_of_the_test_are_still_rolled_back(ran):
    """It is the receivers who see a commit; the connection sees none."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE orders (id INTEGER)")
    with undone(connection), commits(), atomic():
        connection.execute("INSERT INTO orders VALUES (1)")
        paid.send(None, order_id=1)
    assert ran == [1]
    assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    connection.close()


def test_it_ends_with_its_block(ran):
    """Afterwards what is around is there again."""
    with undone():
        with commits():
            pass
        paid.send(None, order_id=1)
        assert ran == []
    assert ran == []


async def send_in_a_task():
    async with atomic():
        await paid.asend(None, order_id=1)


def test_tasks_inherit_it(ran):
    """A task that is started inside runs its receivers, too."""
    import asyncio

    with undone(), commits():
        asyncio.run(send_in_a_task())
    assert ran == [1]
