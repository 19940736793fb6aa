"""A receiver that ends the transaction of its delivery."""

import pytest
from sqlalchemy import text

from clarion import durable
from clarion.integrations.sqlalchemy import post_save
from tests.integrations.sqlalchemy.outbox.test_database import SAME, place, save
from tests.integrations.sqlalchemy.shop import Order

__all__ = ["place"]  # a fixture


@pytest.mark.parametrize("by", ["statement", "session"])
def test_a_receiver_that_ends_its_transaction_has_failed(place, by):
    """Otherwise its delivery would be made again and again, because nothing settles it."""

    def end(instance, connection, session, **kwargs):
        if by == "session":
            session.rollback()  # closes the connection
        else:
            connection.exec_driver_sql("ROLLBACK")

    post_save.connect(
        end, sender=Order, weak=False, delivery=durable(name="end", effects=SAME, retries=0)
    )
    save(place, Order(number="1"))
    assert place.worker().drain()["dead"] == 1
    with place.engine.connect() as connection:
        error = connection.scalar(text("SELECT error FROM clarion_dead"))
    assert "has ended the transaction of its delivery" in str(error)
