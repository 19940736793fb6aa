"""The databases of bound sessions: a test makes the deliveries that its session has stored."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import column, create_engine, func, insert, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clarion import Signal, durable
from clarion.commit.providers import providers
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy import alias, bound
from clarion.integrations.sqlalchemy.commit.provider import SessionProvider
from clarion.testing import adrain, assert_enqueued, commits, deliveries, drain
from tests.integrations.sqlalchemy.commit.outboxes import file_engine, keys, with_tables
from tests.integrations.sqlalchemy.shop import Base, Customer, Order, Tag
from tests.outbox.databases import outbox_on
from tests.outbox.families import address_of, engine_options, sqlalchemy_url
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

    signal.connect(fail, weak=False, delivery=durable(name="fail", backoff=600.0))
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
            await signal.asend(None, n=2)
            await session.commit()
            assert await adrain() == {"made": 1}
        async with (
            AsyncSession(create_async_engine("sqlite+aiosqlite://")) as session,
            bound(session),
        ):
            with pytest.raises(BoundaryError, match="found no database"):
                await asyncio.to_thread(drain)
        await made.dispose()
        return counts

    assert asyncio.run(main()) == {"made": 1}
    assert seen == [1, 2]


ASYNC_DRIVERS = {
    "sqlite+aiosqlite": "sqlite",
    "postgresql+asyncpg": "postgresql",
    "postgresql+psycopg": "postgresql",
    "mysql+asyncmy": "mariadb",
}


@pytest.fixture(params=ASYNC_DRIVERS)
def joined(request, tmp_path):
    """Return an async context manager that yields a session in the transaction of a test."""
    driver = request.param
    pytest.importorskip(driver.partition("+")[2])

    @asynccontextmanager
    async def opened():
        with outbox_on(ASYNC_DRIVERS[driver], tmp_path) as outbox:
            address = address_of(outbox)
            engine = create_async_engine(
                sqlalchemy_url(driver, address), **engine_options(driver, address)
            )
            if "sqlite" in driver:
                begin_before_savepoints(engine.sync_engine)
            async with engine.connect() as connection, connection.begin() as whole:
                options: Any = {"join_transaction_mode": "create_savepoint"}
                async with AsyncSession(connection, **options) as session:
                    with bound(session):
                        yield session
                await whole.rollback()
            await engine.dispose()
            assert outbox.opened[0].rows("list_waiting", limit=9) == []

    return opened


async def blocked(session):
    """Return the keys that receivers have written, which a test sees before any commit."""
    found = await session.execute(text("SELECT receiver FROM clarion_blocked ORDER BY receiver"))
    return [*found.scalars()]


@pytest.mark.parametrize("effects", [None, SAME])
def test_an_async_session_on_a_tests_connection_has_its_deliveries_made(joined, effects):
    """Async receivers are awaited in the loop of the test; all write in its transaction."""
    signal = Signal(name="shop.joined")

    async def awrite(sender, name, session, **kwargs):
        assert type(session) is AsyncSession
        assert asyncio.get_running_loop() is loops[0]
        await session.execute(block(f"async {name}"))

    def write(sender, name, session, **kwargs):
        assert type(session) is Session
        session.execute(block(f"sync {name}"))

    def block(name):
        return insert(table("clarion_blocked", column("receiver"), column("key"))).values(
            {"receiver": name, "key": "1"}
        )

    for each in (awrite, write):
        options: Any = {"name": each.__name__, "effects": effects, "key": "name"}
        signal.connect(each, weak=False, delivery=durable(**options))
    loops = []

    async def main():
        loops.append(asyncio.get_running_loop())
        async with joined() as session:
            await signal.asend(None, name="one")
            await session.commit()
            [waiting] = await session.run_sync(lambda _: assert_enqueued(write, name="one"))
            assert waiting["name"] == "one"
            assert await adrain() == {"made": 2}
            assert await blocked(session) == ["async one", "sync one"]
            async with commits():
                await signal.asend(None, name="two")
                await session.commit()
            assert len(await blocked(session)) == 4
            await signal.asend(None, name="three")
            await session.commit()
            assert await session.run_sync(lambda _: drain()) == {"made": 2}
            assert len(await blocked(session)) == 6

    asyncio.run(main())


def test_an_async_receiver_that_fails_undoes_its_own_writes(joined):
    """The transaction of the test goes on."""
    signal = Signal(name="shop.joined")

    async def fail(sender, session, **kwargs):
        await session.execute(text("UPDATE clarion_meta SET value = value + 1"))
        raise LookupError

    signal.connect(fail, weak=False, delivery=durable(name="fail", backoff=600.0))

    async def main():
        async with joined() as session:
            await signal.asend(None)
            await session.commit()
            version = await session.scalar(text("SELECT value FROM clarion_meta"))
            with pytest.raises(LookupError):
                await adrain()
            assert await adrain(raises=False) == {"retried": 1}
            assert await session.scalar(text("SELECT value FROM clarion_meta")) == version

    asyncio.run(main())


def test_what_waits_in_an_async_engine_is_found_beside_a_running_loop(engine):
    """Also an instance, which a session of the engine loads."""
    pytest.importorskip("aiosqlite")
    signal = Signal(name="shop.async")
    signal.connect(ship := lambda tag, **kwargs: None, weak=False, delivery=durable(name="ship"))

    async def main():
        made = create_async_engine(engine.url.set(drivername="sqlite+aiosqlite"))
        async with AsyncSession(made) as session, bound(session):
            session.add(tag := Tag(name="new"))
            await session.flush()
            await signal.asend(None, tag=tag)
            await session.commit()
            [waiting] = assert_enqueued(ship)
            assert waiting["tag"].name == "new"
            assert drain() == {"made": 1}
        await made.dispose()

    asyncio.run(main())


def test_a_sync_drain_beside_a_running_loop_is_refused(joined, monkeypatch):
    """It would make no delivery of a joined AsyncSession, also inside commits(), and the test would pass."""
    signal = Signal(name="shop.joined")
    signal.connect(lambda **kwargs: None, weak=False, delivery=durable(name="left"))
    found = [each for each in providers() if isinstance(each, SessionProvider)]
    monkeypatch.setattr(
        deliveries, "providers", lambda: found
    )  # Django may be in use in this thread

    async def main():
        async with joined() as session, commits():
            await signal.asend(None)
            await session.commit()
            with pytest.raises(BoundaryError, match=r"run_sync\(lambda _: drain\("):
                drain()
            assert await adrain() == {"made": 1}

    asyncio.run(main())
