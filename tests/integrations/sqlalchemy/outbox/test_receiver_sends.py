"""What a receiver of a worker sends by itself."""

import pytest

from clarion import Signal, durable, on_commit
from clarion.integrations.sqlalchemy import post_save
from tests.integrations.sqlalchemy.outbox.test_database import SAME, place, save
from tests.integrations.sqlalchemy.shop import Order

__all__ = ["place"]  # a fixture

invoiced = Signal(name="tests.receiver_sends.invoiced")


@pytest.fixture
def arrived():
    """Return what the second receiver gets, which is stored by the first one."""
    found = []

    def note(sender, n, **kwargs):
        found.append(n)

    invoiced.connect(note, delivery=durable(name="note"), weak=False)
    yield found
    invoiced.disconnect(note)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("fails", [False, True], ids=["returns", "fails"])
def test_it_is_stored_in_the_receivers_transaction(place, arrived, is_async, fails):
    """It needs no `session=`, waits for no lock of its own, and is undone with a failed attempt."""

    def end():
        if fails:
            raise LookupError

    def send(instance, connection, **kwargs):
        connection.exec_driver_sql("SELECT 1")
        invoiced.send(None, n=1)
        end()

    async def asend(instance, connection, **kwargs):
        await invoiced.asend(None, n=1)
        end()

    post_save.connect(
        asend if is_async else send,
        sender=Order,
        weak=False,
        delivery=durable(name="first", effects=SAME, retries=0),
    )
    save(place, Order(number="1"))
    counts = place.worker().drain()
    assert (counts["made"], counts["dead"]) == ((0, 1) if fails else (2, 0))
    assert arrived == ([] if fails else [1])


def test_a_receiver_after_the_commit_waits_for_the_receivers_transaction(place):
    """It does not run if the attempt fails."""
    ran = []

    def note(sender, n, **kwargs):
        ran.append(n)

    def send(instance, connection, attempt, **kwargs):
        invoiced.send(None, n=attempt)
        assert ran == []
        if attempt == 1:
            raise LookupError

    invoiced.connect(note, delivery=on_commit, weak=False)
    post_save.connect(
        send,
        sender=Order,
        weak=False,
        delivery=durable(name="first", effects=SAME, retries=1, backoff=0.0),
    )
    try:
        save(place, Order(number="1"))
        for _ in range(2):
            place.worker().drain()
        assert ran == [2]
    finally:
        invoiced.disconnect(note)
