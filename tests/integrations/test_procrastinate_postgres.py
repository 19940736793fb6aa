"""Procrastinate on a PostgreSQL: jobs in the transaction of a send, and the rescue of jobs."""

import asyncio
import secrets
from typing import Any

import procrastinate as library
import psycopg
import pytest
from procrastinate.exceptions import AppNotOpen
from procrastinate.testing import InMemoryConnector
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clarion import Signal
from clarion.commit import atomic
from clarion.integrations.procrastinate import ProcrastinateDelivery
from tests.services import POSTGRES, own_postgres

pytestmark = pytest.mark.service

made: list[Any] = []


def mail(sender, order_id, **kwargs):
    """Note the call."""
    made.append(order_id)


@pytest.fixture
def order_paid():
    """Return a signal."""
    made.clear()
    return Signal(name="tests.procrastinate.order_paid")


@pytest.fixture(scope="module")
def options():
    """Yield how to connect to a schema with the tables of procrastinate."""
    url, name = POSTGRES.url(), f"clarion_{secrets.token_hex(6)}"
    given: Any = {"conninfo": url, "kwargs": {"options": f"-c search_path={name}"}}
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {name}")
        try:
            with library.App(connector=library.SyncPsycopgConnector(**given)).open() as app:
                app.schema_manager.apply_schema()
            yield given
        finally:
            admin.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def sent_to(options):
    """Return a function that opens a connection, by default to the schema."""
    opened = []

    def connect(**others):
        arguments = {**options["kwargs"], **others}
        opened.append(psycopg.connect(options["conninfo"], **arguments))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


@pytest.fixture
def app(options):
    """Yield an open app on PostgreSQL, without jobs."""
    with library.App(connector=library.PsycopgConnector(**options)).open() as found:
        yield found


@pytest.fixture
def jobs(options):
    """Yield a function that returns the jobs that other connections see."""
    arguments = {**options["kwargs"], "autocommit": True}
    with psycopg.connect(options["conninfo"], **arguments) as reader:
        reader.execute("TRUNCATE procrastinate_jobs CASCADE")

        def committed():
            query = "SELECT args->>'receiver', lock, status FROM procrastinate_jobs ORDER BY id"
            return reader.execute(query).fetchall()

        yield committed


NAME = "tests.integrations.test_procrastinate_postgres:mail"
JOB = (NAME, None, "todo")


def test_a_job_is_in_the_transaction_of_psycopg(order_paid, app, jobs, sent_to):
    """Another connection sees the job after the commit only, and never after a rollback."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app)(key="order_id"))
    connection = sent_to()
    with atomic(connection):
        ((_, response),) = order_paid.send(None, order_id=7)
        assert connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (1,)
        assert jobs() == []
    assert response.is_within
    assert jobs() == [(NAME, f"{NAME}/7", "todo")]
    with pytest.raises(LookupError), atomic(connection):
        order_paid.send(None, order_id=8)
        raise LookupError
    assert len(jobs()) == 1


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


def test_a_savepoint_takes_its_job_back(order_paid, app, jobs, sent_to):
    """A job of a savepoint that is rolled back is not committed."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))
    with atomic(sent_to()), pytest.raises(LookupError), atomic():
        ((_, response),) = order_paid.send(None, order_id=7)
        raise LookupError
    assert jobs() == []
    assert (response.is_within, response.status) == (True, "dropped")


def engine_options(options):
    """Return the URL and the options for an engine of SQLAlchemy's."""
    url = options["conninfo"].replace("postgresql:", "postgresql+psycopg:", 1)
    return {"url": url, "connect_args": options["kwargs"]}


def test_a_job_is_in_the_transaction_of_a_session(order_paid, app, jobs, options):
    """A job is in the transaction of a SQLAlchemy session on psycopg."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))
    engine = create_engine(**engine_options(options))
    with Session(engine) as session:
        session.execute(text("SELECT 1"))
        ((_, response),) = order_paid.send(None, order_id=7, session=session)
        assert response.is_within
        assert jobs() == []
        session.commit()
        assert jobs() == [JOB]
        session.execute(text("SELECT 1"))
        order_paid.send(None, order_id=8, session=session)
        session.rollback()
    assert jobs() == [JOB]
    with engine.connect() as core, atomic(core):
        order_paid.send(None, order_id=9)
        assert jobs() == [JOB]
    assert jobs() == [JOB, JOB]
    engine.dispose()


@pytest.fixture
def preparing(options):
    """Yield an open app, and an engine of SQLAlchemy, on a server that prepares transactions."""
    with own_postgres(max_prepared_transactions=2) as url:
        app = library.App(connector=library.SyncPsycopgConnector(conninfo=url))
        with app.open():
            app.schema_manager.apply_schema()
            engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
            yield app, engine
            engine.dispose()


def test_a_two_phase_transaction_is_prepared(order_paid, preparing):
    """A job is inserted after a two-phase commit, because it would prevent the first phase."""
    app, engine = preparing
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))
    with Session(engine, twophase=True) as session:
        for end in (session.commit, session.rollback):
            session.execute(text("SELECT 1"))
            ((_, response),) = order_paid.send(None, order_id=7, session=session)
            assert not response.is_within
            session.prepare()
            assert response.status == "waiting"
            end()
            assert response.status == ("enqueued" if end == session.commit else "dropped")


def test_a_job_is_in_the_transaction_of_an_async_session(order_paid, app, jobs, options):
    """A job is in the transaction of an AsyncSession, whether the app is open or not."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))

    async def main():
        engine = create_async_engine(**engine_options(options))
        async with AsyncSession(engine) as session:
            await session.execute(text("SELECT 1"))
            ((_, response),) = await order_paid.asend(None, order_id=7, session=session)
            assert response.is_within
            assert jobs() == []
            await session.commit()
            assert jobs() == [JOB]
            await session.execute(text("SELECT 1"))
            ((_, undone),) = await order_paid.asend(None, order_id=8, session=session)
            await session.rollback()
            assert (response.status, undone.status) == ("enqueued", "dropped")
        await engine.dispose()
        raw = await psycopg.AsyncConnection.connect(options["conninfo"], **options["kwargs"])
        async with raw, atomic(raw):
            await order_paid.asend(None, order_id=9)
            assert jobs() == [JOB]

    asyncio.run(main())
    assert jobs() == [JOB, JOB]


def test_an_app_that_is_open_for_coroutines(order_paid, options, jobs, sent_to):
    """The pool of an app that is open for coroutines is not used in a sync transaction."""
    app = library.App(connector=library.PsycopgConnector(**options))
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))

    async def main():
        async with app.open_async():
            with atomic(sent_to()):
                order_paid.send(None, order_id=7)
                assert jobs() == []
            assert jobs() == [JOB]
            await order_paid.asend(None, order_id=8)

    asyncio.run(main())
    assert jobs() == [JOB, JOB]


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


def test_a_conflict_does_not_abort_the_transaction(order_paid, app, jobs, sent_to):
    """A job with a queueing lock comes after the commit; the second one is refused there."""
    delivery = ProcrastinateDelivery(app)(queueing_lock="mail")
    order_paid.connect(mail, delivery=delivery)
    with atomic(sent_to()):
        order_paid.send(None, order_id=7)
        ((_, second),) = order_paid.send(None, order_id=8)
    assert jobs() == [JOB]
    assert second.status == "failed"


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


def test_the_rescue_runs_stalled_jobs_again(order_paid, app, jobs, options):
    """With the rescue, another worker makes the job of one that is gone."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app, rescue=5))
    order_paid.send(None, order_id=7)
    app.configure_task("clarion.rescue").defer(timestamp=0)

    async def main():
        async with library.App(connector=library.PsycopgConnector(**options)).open_async() as other:
            manager = other.job_manager
            worker = await manager.register_worker()
            assert (await manager.fetch_job(queues=None, worker_id=worker)) is not None
            await manager.unregister_worker(worker)
        assert [status for _, _, status in jobs()] == ["doing", "todo"]
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(main())
    # The periodic rescue of this minute may have run as well.
    assert {status for _, _, status in jobs()} == {"succeeded"}
    assert made == [7]
