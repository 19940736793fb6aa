"""A receiver that ends the transaction of its delivery."""

from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from clarion import durable
from clarion.integrations.sqlalchemy import post_save
from tests.integrations.sqlalchemy.outbox.test_database import SAME, names, place, save
from tests.integrations.sqlalchemy.shop import Order, Tag

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
    assert "has ended the transaction of its delivery" in dead_error(place)


def dead_error(place):
    """Return the error of the delivery that was given up."""
    with place.engine.connect() as connection:
        return str(connection.scalar(text("SELECT error FROM clarion_dead")))


def pass_a_statement(instance, session, **kwargs):
    """Write, and pass the error of a statement."""
    session.add(Tag(name="a"))
    session.flush()
    with suppress(DBAPIError):
        session.execute(text("SELECT * FROM nowhere"))


async def pass_a_statement_async(instance, session, **kwargs):
    """Do the same in async code."""
    session.add(Tag(name="a"))
    if hasattr(session, "run_sync"):
        await session.run_sync(lambda inside: pass_a_statement(instance, inside))
    else:
        pass_a_statement(instance, session)


@pytest.mark.parametrize("options", [{}, {"effects": SAME}], ids=["any", "same"])
@pytest.mark.parametrize("receive", [pass_a_statement, pass_a_statement_async])
def test_an_aborted_transaction_is_a_failure(place, receive, options):
    """PostgreSQL rolls back at the COMMIT, and reports no error."""
    is_aborted = place.engine.dialect.name == "postgresql"
    post_save.connect(
        receive, sender=Order, weak=False, delivery=durable(name="pass", retries=0, **options)
    )
    save(place, Order(number="1"))
    assert dict(place.worker().drain()) == {"dead" if is_aborted else "made": 1}
    assert set(names(place)) == (set() if is_aborted else {"a"})
    if is_aborted:
        assert "BoundaryError" in dead_error(place)


@pytest.mark.parametrize("options", [{}, {"effects": SAME}], ids=["any", "same"])
def test_the_error_of_a_flush_that_is_passed_is_a_failure(place, options):
    """SQLAlchemy has rolled the transaction back, and leaves `session.begin()` without an error."""

    def receive(instance, session, **kwargs):
        session.add(Tag(name="a"))
        session.flush()
        session.add(Tag(name=None))
        with suppress(IntegrityError):
            session.flush()

    post_save.connect(
        receive, sender=Order, weak=False, delivery=durable(name="pass", retries=0, **options)
    )
    save(place, Order(number="1"))
    assert dict(place.worker().drain()) == {"dead": 1}
    assert names(place) == []
