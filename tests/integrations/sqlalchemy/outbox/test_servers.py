"""References and model signals on each database, from the session of the sender to a worker."""

import asyncio

import pytest
from sqlalchemy import create_engine, delete, make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clarion import Signal, durable
from clarion.integrations.sqlalchemy import EngineDatabase, bound, post_delete, post_save
from clarion.worker import Worker
from tests.integrations.sqlalchemy.commit.outboxes import file_engine, with_tables
from tests.integrations.sqlalchemy.shop import Order

ASYNC = {"sqlite": "aiosqlite", "postgresql": "asyncpg", "mariadb": "aiomysql"}
NAME = "Zoë 😀"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ]
)
def engine(request, tmp_path):
    """Return the engine of an empty shop with an outbox."""
    if request.param == "sqlite":
        made = file_engine(tmp_path / "shop.db")
    else:
        made = with_tables(create_engine(request.getfixturevalue(request.param)))
    yield made
    made.dispose()


@pytest.fixture
def sent():
    """Return a signal."""
    return Signal(name="shop.sent")


@pytest.fixture
def calls(sent):
    """Return the calls of receivers of it and of the model signals of `Order`."""
    made: list[tuple[object, ...]] = []

    def mail(sender, order, others, **kwargs):
        made.append(("mail", order.number, [each.number for each in others], type(others)))

    def keep(sender, order, **kwargs):
        made.append(("keep", order.number, order.note))

    def saved(sender, instance, created, changes, session, **kwargs):
        assert instance in session
        made.append(("saved", instance.number, created, changes.get("number")))

    def deleted(sender, instance, **kwargs):
        made.append(("deleted", instance.number))

    sent.connect(mail, weak=False, delivery=durable(name="mail"))
    sent.connect(keep, weak=False, delivery=durable(name="keep", missing="snapshot"))
    delivery = durable(name="saved", effects="same database")
    post_save.connect(saved, sender=Order, weak=False, delivery=delivery)
    post_delete.connect(deleted, sender=Order, weak=False, delivery=durable(name="deleted"))
    return made


def worked(engine, calls):
    """Return the calls that a worker makes."""
    calls.clear()
    worker = Worker(EngineDatabase(engine))
    worker.drain()
    assert not worker.counts["dead"]
    return sorted(calls, key=lambda call: call[0])


def test_a_session_stores_and_a_worker_loads(engine, sent, calls):
    """The worker loads the rows, the changes and a snapshot, and nothing of a rollback."""
    with Session(engine) as session:
        order = Order(number=NAME)
        session.add(order)
        session.flush()
        with bound(session):
            sent.send(None, order=order, others=(order,))
        session.commit()
        assert worked(engine, calls) == [
            ("keep", NAME, None),
            ("mail", NAME, [NAME], tuple),
            ("saved", NAME, True, (None, NAME)),
        ]
        order.number = "2"
        session.commit()
        assert worked(engine, calls) == [("saved", "2", False, (NAME, "2"))]
        session.refresh(order)  # begins a transaction
        with bound(session):
            sent.send(None, order=order, others=[order])
        session.rollback()
        assert worked(engine, calls) == []
        session.refresh(order)
        with bound(session):
            sent.send(None, order=order, others=[order])
        session.commit()
        session.execute(delete(Order))
        session.commit()
        assert worked(engine, calls) == [("keep", "2", None)]
        session.add(Order(number="3"))
        session.commit()
        session.delete(session.query(Order).one())
        session.commit()
        assert worked(engine, calls) == [("deleted", "3")]


def test_an_async_session_stores_and_a_worker_loads(engine, sent, calls):
    """So it is with the async driver of each database."""
    url = make_url(engine.url)
    driver = f"{url.get_backend_name()}+{ASYNC[url.get_backend_name()]}"

    async def store(*, commits):
        connected = create_async_engine(url.set(drivername=driver))
        async with AsyncSession(connected) as session:
            order = Order(number=NAME)
            session.add(order)
            await session.flush()
            async with bound(session):
                await sent.asend(None, order=order, others=[order])
            await (session.commit() if commits else session.rollback())
        await connected.dispose()

    asyncio.run(store(commits=False))
    assert worked(engine, calls) == []
    asyncio.run(store(commits=True))
    assert worked(engine, calls) == [
        ("keep", NAME, None),
        ("mail", NAME, [NAME], list),
        ("saved", NAME, True, (None, NAME)),
    ]
