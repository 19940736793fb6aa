"""The same signals on real servers, with each driver."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from clarion import receiver
from clarion.integrations.sqlalchemy import (
    SignalSession,
    connection_created,
    m2m_changed,
    post_bulk_insert,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from tests.integrations.sqlalchemy.conftest import with_driver
from tests.integrations.sqlalchemy.shop import Animal, Author, Base, Book, Customer, Dog, Order, Tag

pytestmark = pytest.mark.service

STORY = [
    ("pre_save", "Customer"),
    ("pre_save", "Order"),
    ("post_save", "Customer"),
    ("post_save", "Order"),
    ("pre_save", "Order"),
    ("post_save", "Order"),
    ("pre_delete", "Order"),
    ("pre_delete", "Customer"),
    ("post_delete", "Order"),
    ("post_delete", "Customer"),
    ("pre_add", "book_author"),
    ("post_add", "book_author"),
    ("post_save", "Dog"),
]


@pytest.fixture(params=["postgres", "mariadb"])
def server(request):
    """An engine of an empty database on each server, with the tables of the shop."""
    engine = create_engine(request.getfixturevalue(request.param))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def listen(recorded):
    recorded.listen(pre_save, post_save, sender=Customer)
    recorded.listen(pre_save, post_save, sender=Order)
    recorded.listen(pre_delete, post_delete)
    recorded.listen(m2m_changed, sender=Book.authors)
    recorded.listen(post_save, sender=Animal, subclasses=True)


def live(session):
    """Insert, update, delete with a cascade, link, and inherit."""
    customer = Customer(name="c", orders=[Order(number="1")])
    session.add(customer)
    session.flush()
    customer.orders[0].amount = Order.amount + 1
    session.flush()
    assert customer.orders[0].amount == 1
    session.delete(customer)
    session.flush()
    session.add(Book(title="b", authors=[Author(name="a")]))
    session.flush()
    session.add(Dog(name="d", breed="b"))
    session.commit()


def test_the_main_cases(server, recorded, kind):
    """On each server the main cases send in the same order as on SQLite."""
    listen(recorded)
    with kind(server) as session:
        live(session)
    assert recorded.names == STORY


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_the_main_cases_async(driver, postgres, recorded, kind):
    """With an async driver the main cases send, and async receivers are awaited."""
    pytest.importorskip(driver)
    listen(recorded)
    connections, slept = [], []

    @receiver(connection_created)
    def connected(sender, connection):
        connections.append(sender)

    @receiver(post_save, sender=Customer)
    async def sleep(instance, **kwargs):
        await asyncio.sleep(0.01)
        slept.append(instance)

    async def main():
        engine = create_async_engine(with_driver(postgres, f"postgresql+{driver}"))
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with async_sessionmaker(engine, sync_session_class=kind)() as session:
            await session.run_sync(live)
        await engine.dispose()

    asyncio.run(main())
    assert recorded.names == STORY
    assert connections
    assert len(slept) == 1


def test_async_receiver_queries_by_asyncpg(postgres):
    """An async receiver queries inside the transaction, on the same session."""
    pytest.importorskip("asyncpg")
    found: list[int | None] = []

    @receiver(post_save, sender=Tag)
    async def query(instance, **kwargs):
        session = sessions[0]
        found.append(await session.scalar(select(func.count()).select_from(Tag)))

    sessions = []

    async def main():
        engine = create_async_engine(with_driver(postgres, "postgresql+asyncpg"))
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            sessions.append(session)
            session.add_all([Tag(name="1"), Tag(name="2")])
            await session.commit()
        await engine.dispose()

    asyncio.run(main())
    assert found == [2, 2]


def test_error_in_post_save_on_postgresql(postgres):
    """In a SignalSession the transaction stays open, unless a statement fails."""
    engine = create_engine(postgres)
    Base.metadata.create_all(engine)

    @receiver(post_save, sender=Order, once=True)
    def fail(**kwargs):
        raise ValueError("no")

    with SignalSession(engine) as session:
        session.add(Order(number="1"))
        with pytest.raises(ValueError, match="no"):
            session.flush()
        session.commit()
        assert session.scalar(select(func.count()).select_from(Order)) == 1
        post_save.connect(lambda **kwargs: session.execute(text("SELECT 1/0")), sender=Tag)
        session.add(Tag(name="t"))
        with pytest.raises(DBAPIError):
            session.flush()
        session.rollback()
    engine.dispose()


def test_bulk_writes(server):
    """The keys of a bulk insert come from RETURNING."""
    calls = []

    @receiver(post_bulk_insert, sender=Tag)
    def note(rowcount, pk_set, **kwargs):
        calls.append((rowcount, pk_set))

    with Session(server) as session:
        session.execute(insert(Tag), [{"name": "1"}, {"name": "2"}])
        session.execute(insert(Tag).returning(Tag.id), [{"name": "3"}, {"name": "4"}])
        session.execute(delete(Tag))
        session.commit()
    assert calls == [(2, None), (2, {3, 4})]


@pytest.fixture(params=["twophase_postgres", "mariadb"])
def preparing(request):
    """An engine of an empty database on each server that takes two-phase commits."""
    engine = create_engine(request.getfixturevalue(request.param))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_two_phase_commit(preparing, kind, recorded):
    """The signals of a flush are sent once, before the transaction is prepared."""
    recorded.listen(pre_save, post_save)
    with kind(preparing, twophase=True) as session:
        session.add(Tag(name=uuid4().hex))
        session.prepare()
        assert recorded.names == [("pre_save", "Tag"), ("post_save", "Tag")]
        session.commit()
    assert recorded == []
    with Session(preparing) as session:
        assert session.scalar(select(func.count()).select_from(Tag)) == 1


def test_two_phase_rollback(preparing, kind, recorded):
    """A prepared transaction can be rolled back; its signals were sent."""
    recorded.listen(post_save)
    with kind(preparing, twophase=True) as session:
        session.add(Tag(name="t"))
        session.prepare()
        session.rollback()
        assert recorded.names == [("post_save", "Tag")]
        session.add(Tag(name="u"))
        session.commit()
    assert recorded.names == [("post_save", "Tag")]
    with Session(preparing) as session:
        assert session.scalars(select(Tag.name)).all() == ["u"]


def test_two_phase_receivers_write_before_it_is_prepared(preparing, kind):
    """A row that post_save adds is in the prepared transaction."""

    @receiver(post_save, sender=Order)
    def note(instance, **kwargs):
        session.add(Tag(name=instance.number))

    with kind(preparing, twophase=True) as session:
        session.add(Order(number="1"))
        session.commit()
    with Session(preparing) as session:
        assert session.scalars(select(Tag.name)).all() == ["1"]
