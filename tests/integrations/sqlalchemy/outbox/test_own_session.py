"""The databases of bound sessions: a test makes the deliveries that its session has stored."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clarion import Signal, durable
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy import alias, bound
from clarion.testing import assert_enqueued, commits, drain
from tests.integrations.sqlalchemy.commit.outboxes import file_engine, keys, with_tables
from tests.integrations.sqlalchemy.shop import Base, Customer, Order, Tag
from tests.savepoints import begin_before_savepoints

SAME = "same database"


@pytest.fixture
def engine(tmp_path):
    """Return the engine of a file with an outbox, whose savepoints work."""
    made = create_engine(f"sqlite:///{tmp_path}/shop.db")
    begin_before_savepoints(made)
    yield with_tables(made)
    made.dispose()


@pytest.fixture
def named():
    """Return a signal, and a receiver that writes a tag in the transaction of its delivery."""
    signal = Signal(name="shop.named")

    def tag(sender, name, session, **kwargs):
        assert type(session).__name__ == sender
        session.add(Tag(name=name))

    signal.connect(tag, weak=False, delivery=durable(name="tag", effects=SAME))
    return signal, tag


class Special(Session):
    """The session class of a program."""


def test_deliveries_in_the_transaction_of_a_test_are_made(engine, named):
    """Deliveries of a session in a test's transaction are made, and rolled back after the test."""
    signal, tag = named
    with engine.connect() as joined, joined.begin() as whole:
        options: Any = {"join_transaction_mode": "create_savepoint"}
        with Special(joined, **options) as session, bound(session):
            signal.send("Special", name="one")
            session.commit()
            assert_enqueued(tag, name="one")
            assert drain() == {"made": 1}
            assert session.scalars(select(Tag.name)).all() == ["one"]
            with pytest.raises(AssertionError):
                assert_enqueued(tag)
        whole.rollback()
    with Session(engine) as fresh:
        assert fresh.scalar(select(func.count()).select_from(Tag)) == 0


def test_a_receiver_that_fails_undoes_its_own_writes(engine):
    """A receiver that fails undoes its own writes, and the test's transaction goes on."""
    signal = Signal(name="shop.failing")

    def fail(sender, session, **kwargs):
        session.add(Tag(name="undone"))
        session.flush()
        raise LookupError

    signal.connect(fail, weak=False, delivery=durable(name="fail"))
    with (
        engine.connect() as joined,
        joined.begin(),
        Session(joined, join_transaction_mode="create_savepoint") as session,
        bound(session),
    ):
        session.add(Tag(name="kept"))
        signal.send(None)
        session.commit()
        with pytest.raises(LookupError):
            drain()
        assert drain(raises=False) == {"retried": 1}
        assert session.scalars(select(Tag.name)).all() == ["kept"]


def test_commits_makes_them(engine, named):
    """commits() makes the deliveries at the end of its block."""
    signal, _ = named
    with engine.connect() as joined, joined.begin():
        options: Any = {"join_transaction_mode": "create_savepoint"}
        with Special(joined, **options) as session, bound(session):
            with commits():
                signal.send("Special", name="one")
                session.commit()
            assert session.scalars(select(Tag.name)).all() == ["one"]


def test_an_engine_in_memory_is_one(named):
    """The deliveries of a database in memory are made in its own thread, which a worker could not do."""
    signal, _ = named
    engine = with_tables(create_engine("sqlite://"))
    with Special(engine) as session, bound(session):
        signal.send("Special", name="one")
        session.commit()
        assert drain() == {"made": 1}
        assert session.scalars(select(Tag.name)).all() == ["one"]
    engine.dispose()


def test_each_engine_with_an_outbox_is_one(tmp_path, named):
    """Deliveries are made on each engine with the outbox's tables."""
    stores = [file_engine(tmp_path / f"{name}.db") for name in ("one", "two")]
    plain = create_engine(f"sqlite:///{tmp_path}/plain.db")
    Base.metadata.create_all(plain)
    for name, each in zip(("one", "two", "plain"), (*stores, plain), strict=True):
        alias(each, name)
    signal = Signal(name="shop.two")
    signal.connect(lambda **kwargs: None, weak=False, delivery=durable(name="n"))
    binds: Any = dict(zip((Customer, Order, Tag), (*stores, plain), strict=True))
    with Session(binds=binds) as session, bound(session):
        signal.send(Customer)
        signal.send(Order)
        assert drain() == {"made": 2}
    for each in stores:
        assert keys(each) == []
    for each in (*stores, plain):
        each.dispose()


def test_an_async_session_has_its_committed_deliveries_made(engine):
    """Committed deliveries of an async session are made by a thread beside the event loop."""
    pytest.importorskip("aiosqlite")
    signal, seen = Signal(name="shop.async"), []
    signal.connect(lambda n, **kwargs: seen.append(n), weak=False, delivery=durable(name="async"))

    async def main():
        made = create_async_engine(engine.url.set(drivername="sqlite+aiosqlite"))
        async with AsyncSession(made) as session, bound(session):
            await signal.asend(None, n=1)
            await session.commit()
            counts = await asyncio.to_thread(drain)
        async with (
            AsyncSession(create_async_engine("sqlite+aiosqlite://")) as session,
            bound(session),
        ):
            with pytest.raises(BoundaryError, match="found no database"):
                await asyncio.to_thread(drain)
        await made.dispose()
        return counts

    assert asyncio.run(main()) == {"made": 1}
    assert seen == [1]
