"""Async receivers of one worker that write the same row."""

import asyncio

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from clarion import Signal, durable
from clarion.integrations.sqlalchemy import bound
from tests.integrations.sqlalchemy.outbox.test_database import SAME, place, save
from tests.integrations.sqlalchemy.shop import Order
from tests.worker.stage import in_thread

__all__ = ["place"]  # a fixture


def test_async_receivers_wait_for_the_same_row(place):
    """With a sync engine, none of them blocks the event loop while it waits for a lock of another."""
    paid = Signal(name="shop.paid")
    save(place, Order(number="1"))

    async def receive(sender, session, **kwargs):
        statement = update(Order).values(number=Order.number + ".")
        found = session.execute(statement)
        if place.is_async:
            await found
        await asyncio.sleep(0.05)

    paid.connect(receive, delivery=durable(name="receive", effects=SAME))
    with Session(place.engine) as session, session.begin(), bound(session):
        for _ in range(3):
            paid.send(None)
    assert in_thread(place.worker().drain, 30)["made"] == 3
    with Session(place.engine) as session:
        assert session.scalars(select(Order.number)).all() == ["1..."]
