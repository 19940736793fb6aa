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
    """Enter a transaction around a test, which is rolled back."""
    with suppress(Undo), atomic(connection):
        yield
        raise Undo


@pytest.fixture
def ran():
    """Return the order_ids of the receiver's calls."""
    found = []
    paid.connect(lambda sender, order_id, **kw: found.append(order_id), delivery=on_commit)
    return found


def test_transaction_around_a_test_is_ignored(ran):
    """Receivers run at the end of the inner one; without one, at once."""
    with undone(), commits():
        with atomic():
            paid.send(None, order_id=1)
            assert ran == []
        assert ran == [1]
        paid.send(None, order_id=2)
        assert ran == [1, 2]


def test_without_commits_nothing_runs(ran):
    """The calls are dropped with the outer transaction."""
    with undone():
        with atomic():
            paid.send(None, order_id=1)
        assert ran == []
    assert ran == []


def test_earlier_calls_wait(ran):
    """For the outer transaction, which is rolled back."""
    with undone():
        paid.send(None, order_id=1)
        with commits():
            paid.send(None, order_id=2)
        assert ran == [2]
    assert ran == [2]


def test_savepoint_rolled_back_in_the_inner_transaction(ran):
    """Its calls do not run."""
    with undone(), commits(), atomic():
        paid.send(None, order_id=1)
        with suppress(Undo), atomic():
            paid.send(None, order_id=2)
            raise Undo
        with atomic():
            paid.send(None, order_id=3)
    assert ran == [1, 3]


def test_receivers_of_receivers_run(ran):
    """Receivers of sends inside receivers run, at any depth."""

    def pass_on(sender, order_id, **kw):
        if order_id < 3:
            with atomic():
                paid.send(sender, order_id=order_id + 1)

    paid.connect(pass_on, delivery=on_commit)
    with undone(), commits(), atomic():
        paid.send(None, order_id=1)
    assert ran == [1, 2, 3]


def test_rows_of_the_test_are_still_rolled_back(ran):
    """The connection sees no commit."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE orders (id INTEGER)")
    with undone(connection), commits(), atomic():
        connection.execute("INSERT INTO orders VALUES (1)")
        paid.send(None, order_id=1)
    assert ran == [1]
    assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    connection.close()


def test_it_ends_with_its_block(ran):
    """After it, the outer transaction counts again."""
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
