"""Which connections see the table of an app, on a PostgreSQL."""

import asyncio

import procrastinate as library
import psycopg
import pytest
from procrastinate.exceptions import AppNotOpen
from procrastinate.testing import InMemoryConnector

from clarion.commit import atomic
from clarion.integrations.procrastinate import ProcrastinateDelivery
from tests.integrations.procrastinate.receivers import JOB, mail

pytestmark = pytest.mark.service


def test_the_time_zone_of_a_session_does_not_matter(order_paid, app, jobs, sent_to):
    """A connection is recognised, whatever time zone its session has."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))
    connection = sent_to()
    connection.execute("SET TIME ZONE 'Asia/Tokyo'")
    connection.execute("SET DateStyle = 'German'")
    connection.commit()
    with atomic(connection):
        ((_, response),) = order_paid.send(None, order_id=7)
        assert response.is_within
    assert jobs() == [JOB]


def test_other_places_wait_for_the_commit(order_paid, app, jobs, sent_to):
    """A connection to another schema does not see the table, so the job comes after the commit."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))
    with atomic(sent_to(options="")):
        ((_, response),) = order_paid.send(None, order_id=7)
        assert not response.is_within
        assert jobs() == []
    assert jobs() == [JOB]


def test_a_connection_may_change_its_search_path(order_paid, app, jobs, sent_to):
    """A connection that sees another schema later gets its job after the commit, in the right table."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))
    connection = sent_to()
    with atomic(connection):
        ((_, before),) = order_paid.send(None, order_id=7)
        connection.execute("SET LOCAL search_path = pg_catalog")
        ((_, changed),) = order_paid.send(None, order_id=8)
        assert jobs() == []
    assert (before.is_within, changed.is_within) == (True, False)
    assert jobs() == [JOB, JOB]
    with atomic(connection):
        ((_, after),) = order_paid.send(None, order_id=9)
    assert after.is_within
    assert jobs() == [JOB, JOB, JOB]


def test_an_async_connection_may_change_its_search_path(order_paid, app, jobs, options):
    """Each `asend` asks again, as each send does."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))

    async def main():
        raw = await psycopg.AsyncConnection.connect(options["conninfo"], **options["kwargs"])
        async with raw, atomic(raw):
            ((_, before),) = await order_paid.asend(None, order_id=7)
            await raw.execute("SET LOCAL search_path = pg_catalog")
            ((_, changed),) = await order_paid.asend(None, order_id=8)
        assert (before.is_within, changed.is_within) == (True, False)

    asyncio.run(main())
    assert jobs() == [JOB, JOB]


def test_a_closed_app_is_refused(order_paid, options, sent_to):
    """The send raises with a closed app, because no connection could insert the job."""
    app = library.App(connector=library.PsycopgConnector(**options))
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))
    with pytest.raises(AppNotOpen), atomic(sent_to()):
        order_paid.send(None, order_id=7)


def test_a_replaced_connector_gets_the_jobs(order_paid, app, jobs, sent_to):
    """A connector that replaces the app's in a test gets the jobs."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))
    memory, connection = InMemoryConnector(), sent_to()
    with atomic(connection):
        order_paid.send(None, order_id=7)
    with app.replace_connector(memory), atomic(connection):
        order_paid.send(None, order_id=8)
    assert jobs() == [JOB]
    assert len(memory.jobs) == 1
