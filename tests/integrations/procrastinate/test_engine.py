"""Jobs of procrastinate in the transactions of sends, on a PostgreSQL."""

import asyncio

import procrastinate as library
import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clarion.commit import atomic
from clarion.integrations.procrastinate import ProcrastinateDelivery
from tests.integrations.procrastinate.receivers import JOB, NAME, mail
from tests.services import own_postgres

pytestmark = pytest.mark.service


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


def test_sync_code_in_the_loop_of_the_app_inserts_its_job(order_paid, options, jobs, sent_to):
    """The loop waits for sync code, so its pool cannot be used: neither by a send nor by a commit."""
    app = library.App(connector=library.PsycopgConnector(**options))
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))

    async def main():
        async with app.open_async():
            order_paid.send(None, order_id=7)
            assert jobs() == [JOB]
            with atomic(sent_to(options="-c search_path=pg_catalog")):
                ((_, response),) = order_paid.send(None, order_id=8)
                assert jobs() == [JOB]
            assert (response.is_within, response.status) == (False, "enqueued")

    asyncio.run(main())
    assert jobs() == [JOB, JOB]


def test_threads_do_not_wait_for_the_pool_of_a_loop(order_paid, options, jobs):
    """Threads beside the loop of the app insert their jobs without its pool, whose waits are of that loop."""
    app = library.App(connector=library.PsycopgConnector(**options, min_size=1, max_size=1))
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app))

    async def main():
        async with app.open_async(), asyncio.timeout(60):
            sends = [asyncio.to_thread(order_paid.send, None, order_id=each) for each in range(20)]
            await asyncio.gather(*sends, *(order_paid.asend(None, order_id=7) for _ in range(5)))

    asyncio.run(main())
    assert jobs() == [JOB] * 25


def test_a_conflict_does_not_abort_the_transaction(order_paid, app, jobs, sent_to):
    """A job with a queueing lock comes after the commit; the second one is refused there."""
    delivery = ProcrastinateDelivery(app)(queueing_lock="mail")
    order_paid.connect(mail, delivery=delivery)
    with atomic(sent_to()):
        order_paid.send(None, order_id=7)
        ((_, second),) = order_paid.send(None, order_id=8)
    assert jobs() == [JOB]
    assert second.status == "failed"
