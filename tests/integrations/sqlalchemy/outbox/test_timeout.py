"""A receiver of SQLAlchemy that takes longer than its timeout."""

import threading

import pytest
from sqlalchemy.orm import Session

from clarion import Signal, durable
from clarion.integrations.sqlalchemy import bound
from tests.integrations.sqlalchemy.outbox.test_database import SAME, place, save
from tests.integrations.sqlalchemy.shop import Order

__all__ = ["place"]  # a fixture


def test_its_connection_does_not_go_back_to_the_pool(place):
    """The deliveries after it are made at their first attempt."""
    if place.is_async:
        pytest.skip("its loop, and the pool in it, end with the receiver")
    paid = Signal(name="shop.paid")
    save(place, Order(number="1"))
    returns = threading.Event()
    threads = []

    def hang(sender, session, **kwargs):
        threads.append(threading.current_thread())
        session.add(Order(number="2"))
        session.flush()
        returns.wait(30)

    def receive(sender, session, **kwargs):
        session.add(Order(number="3"))

    def send(receiver, **options):
        paid.connect(receiver, delivery=durable(name="receive", effects=SAME, **options))
        with Session(place.engine) as session, session.begin(), bound(session):
            paid.send(None)
        counts = place.worker().drain()
        paid.disconnect(receiver)
        return counts

    assert send(hang, timeout=0.5, retries=0)["dead"] == 1
    returns.set()
    threads[0].join(30)
    assert send(receive)["made"] == 1
