"""A worker's database by an engine: a session for each receiver, settled in its transaction."""

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, make_url, select
from sqlalchemy.dialects import oracle
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from clarion import Signal, durable
from clarion.envelope import carry
from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy import EngineDatabase, alias, bound, post_save
from clarion.outbox import use_database
from clarion.testing import assert_enqueued, drain
from clarion.worker import Worker
from tests.integrations.sqlalchemy.commit.outboxes import keys, with_tables
from tests.integrations.sqlalchemy.conftest import with_driver
from tests.integrations.sqlalchemy.shop import Order, Tag

SAME = "same database"


class Place:
    """A database on which sends are stored and a worker runs.

    Attributes:
        engine: a sync engine.
        source: what `EngineDatabase` is given.
    """

    def __init__(self, engine, source):
        self.engine = engine
        self.source = source

    @property
    def is_async(self):
        """Whether the worker's engine is async."""
        return self.source is not self.engine

    def worker(self, **options):
        """Return a worker."""
        return Worker(EngineDatabase(self.source), **options)


PLACES = [
    pytest.param(("sqlite", "sqlite", None), id="sqlite"),
    pytest.param(("sqlite", "sqlite", "sqlite+aiosqlite"), id="aiosqlite"),
    *(
        pytest.param((server, sync, driver), id=f"{sync}-{driver}", marks=pytest.mark.service)
        for server, sync, driver in [
            ("postgres", "postgresql+psycopg", None),
            ("postgres", "postgresql+psycopg2", None),
            ("postgres", "postgresql+pg8000", None),
            ("postgres", "postgresql+psycopg", "postgresql+asyncpg"),
            ("postgres", "postgresql+psycopg", "postgresql+psycopg"),
            ("mariadb", "mariadb+pymysql", None),
            ("mariadb", "mysql+mysqldb", None),
            ("mariadb", "mariadb+pymysql", "mysql+asyncmy"),
        ]
    ),
]


@pytest.fixture(params=PLACES)
def place(request, tmp_path):
    """Return each kind of database, with the tables of the shop and of the outbox."""
    server, sync, driver = request.param
    for each in filter(None, (sync, driver)):
        name = each.partition("+")[2] or "sqlite3"
        pytest.importorskip({"mysqldb": "MySQLdb._mysql"}.get(name, name))
    if server == "sqlite":
        url = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        url = with_driver(request.getfixturevalue(server), sync)
    engine = with_tables(create_engine(url))
    alias(engine, "default")
    source = engine if driver is None else create_async_engine(with_driver(url, driver))
    yield Place(engine, source)
    if source is not engine:
        asyncio.run(source.dispose())
    engine.dispose()


def save(place, *orders):
    """Save orders."""
    with Session(place.engine) as session:
        session.add_all(orders)
        session.commit()


def names(place):
    """Return the tags that receivers have written."""
    with Session(place.engine) as session:
        return sorted(session.scalars(select(Tag.name)))


def test_an_instance_as_the_sender_is_loaded(place):
    """The receiver gets its row, also if nothing else needs a session."""
    paid, numbers = Signal(name="shop.paid"), []

    def note(sender, **kwargs):
        numbers.append(sender.number)

    paid.connect(note, delivery=durable(name="note"))
    with Session(place.engine) as session, bound(session):
        session.add(order := Order(number="1"))
        session.flush()
        paid.send(order)
        session.commit()
    assert place.worker().drain()["made"] == 1
    assert numbers == ["1"]


@pytest.mark.parametrize("options", [{}, {"effects": SAME}, {"effects": SAME, "key": "using"}])
def test_a_receiver_gets_the_instance_in_a_session(place, options):
    """A receiver's writes are committed, and a send that was rolled back is not delivered."""

    def tag(instance, session, connection, **kwargs):
        assert instance in session
        assert session.connection() is connection
        session.add(Tag(name=f"sync {instance.number}"))

    post_save.connect(tag, sender=Order, weak=False, delivery=durable(name="sync", **options))
    save(place, Order(number="1"), Order(number="2"))
    with Session(place.engine) as session:
        session.add(Order(number="3"))
        session.flush()
        session.rollback()
    place.worker().drain()
    assert names(place) == ["sync 1", "sync 2"]
    assert keys(place.engine) == []


@pytest.mark.parametrize("options", [{}, {"effects": SAME, "key": "using"}])
def test_an_async_receiver(place, options):
    """An async receiver gets an AsyncSession of an async engine, or a sync session of a sync one."""

    async def tag(instance, session, **kwargs):
        session.add(Tag(name=instance.number))
        if isinstance(session, AsyncSession):
            await session.flush()
        assert isinstance(session, AsyncSession) == place.is_async

    post_save.connect(tag, sender=Order, weak=False, delivery=durable(name="async", **options))
    save(place, Order(number="1"))
    place.worker().drain()
    assert names(place) == ["1"]
    assert keys(place.engine) == []


def test_waiting_deliveries_are_asserted(place):
    """Asserted deliveries have loaded instances, of an async engine too, and drain() makes them."""
    numbers = []

    def tag(instance, **kwargs):
        numbers.append(instance.number)

    post_save.connect(tag, sender=Order, weak=False, delivery=durable(name="asserted"))
    save(place, Order(number="1"))
    database = EngineDatabase(place.source)
    (arguments,) = assert_enqueued(tag, database, created=True)
    assert arguments["instance"].number == "1"
    drain(database)
    assert_enqueued(tag, database, times=0)
    assert numbers == ["1"]


def test_a_failure_rolls_the_receiver_back(place):
    """A failure rolls back the receiver's writes and the settlement, so it is tried again."""
    attempts = []

    def tag(instance, session, attempt, **kwargs):
        attempts.append(attempt)
        session.add(Tag(name=instance.number))
        session.flush()
        if attempt == 1:
            raise LookupError

    post_save.connect(
        tag, sender=Order, weak=False, delivery=durable(name="tag", effects=SAME, backoff=0.0)
    )
    save(place, Order(number="1"))
    while keys(place.engine):
        place.worker().drain()
    assert attempts == [1, 2]
    assert names(place) == ["1"]


def test_sends_in_no_transaction_are_stored_by_it(place):
    """A send in no transaction is stored in the database of `use_database`."""
    signal, called = Signal(name="shop.noted"), []
    signal.connect(
        lambda sender, number, **kwargs: called.append(number),
        weak=False,
        delivery=durable(name="note"),
    )
    before = use_database(EngineDatabase(place.source))
    try:
        signal.send(None, number=1)
        asyncio.run(signal.asend(None, number=2))
    finally:
        use_database(before)
    place.worker().drain()
    assert sorted(called) == [1, 2]


def test_the_class_and_options_of_the_sessionmaker_are_used(tmp_path):
    """Receivers' sessions have the class and options of the sessionmaker, of an async one too."""
    engine = with_tables(create_engine(f"sqlite:///{tmp_path / 'shop.db'}"))

    class Mine(Session):
        """A session of the program's own."""

    class MineAsync(AsyncSession):
        """An async session of the program's own."""

    with EngineDatabase(sessionmaker(engine, class_=Mine, info={"a": 1})).transaction() as opened:
        assert isinstance(opened.session, Mine)
        assert opened.session.info == {"a": 1}
        assert opened.session.in_transaction()
    connected = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
    sessions = async_sessionmaker(
        connected, class_=MineAsync, sync_session_class=Mine, info={"a": 1}
    )

    async def main():
        async with EngineDatabase(sessions).atransaction() as transaction:
            assert isinstance(transaction.session, MineAsync)
            assert isinstance(transaction.session.sync_session, Mine)
            assert transaction.session.info == {"a": 1}
        await connected.dispose()

    asyncio.run(main())
    engine.dispose()


def test_a_sessionmaker_with_several_engines_names_one(tmp_path):
    """A sessionmaker with several engines is refused unless one with the outbox is named."""
    one, two = (create_engine(f"sqlite:///{tmp_path / name}.db") for name in ("one", "two"))
    with_tables(two)
    with_tables(one)
    sessions = sessionmaker(binds={Order: one, Tag: two})
    with pytest.raises(ArgumentError, match="engine=engine"):
        EngineDatabase(sessions)
    database = EngineDatabase(sessions, engine=two)
    with database.transaction() as transaction:
        assert transaction.session.get_bind(Order) is one
        connection: Any = transaction.connection
        assert connection.rows("waiting") == []
    for each in (one, two):
        each.dispose()


def test_what_cannot_be_a_workers_database_is_refused():
    """Each object that cannot be a worker's database is refused with what to give."""
    with pytest.raises(ArgumentError, match="Give an engine of a file"):
        EngineDatabase(create_engine("sqlite://", poolclass=StaticPool))
    with pytest.raises(ArgumentError, match="Give an engine or a sessionmaker"):
        EngineDatabase("sqlite:///shop.db")  # type: ignore[arg-type]
    url = make_url("oracle+oracledb://shop@localhost/shop")
    pool: Any = StaticPool
    other = Engine(pool(None), oracle.dialect(), url)
    with pytest.raises(ArgumentError, match="kind 'oracle'"):
        EngineDatabase(other)


def test_the_worker_uses_no_connection_of_the_pool(tmp_path):
    """The worker uses no connection of the pool, so one is enough for the program's sessions."""
    engine = with_tables(
        create_engine(f"sqlite:///{tmp_path / 'shop.db'}", pool_size=1, max_overflow=0)
    )
    database = EngineDatabase(engine)
    with Session(engine) as session:
        session.scalars(select(Tag)).all()
        connections = [database.connect(), database.connect()]
        assert [each.rows("waiting") for each in connections] == [[], []]
    for each in connections:
        each.close()
    assert repr(database) == "<EngineDatabase SQLAlchemy's engine 'default'>"
    engine.dispose()


def test_a_program_with_an_async_engine(tmp_path):
    """A program sends in its own event loop while the worker runs in a thread."""
    engine = with_tables(create_engine(f"sqlite:///{tmp_path / 'shop.db'}"))
    called = []

    async def main():
        done, loop = asyncio.Event(), asyncio.get_running_loop()

        async def note(instance, session, **kwargs):
            called.append((instance.number, await session.scalar(select(Order.number))))
            loop.call_soon_threadsafe(done.set)

        post_save.connect(note, sender=Order, weak=False, delivery=durable(name="note"))
        connected = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
        async with Worker(EngineDatabase(connected)), AsyncSession(connected) as session:
            with bound(session):
                session.add(Order(number="1"))
                await session.commit()
            await asyncio.wait_for(done.wait(), 20)
        await connected.dispose()

    asyncio.run(main())
    assert called == [("1", "1")]
    assert keys(engine) == []
    engine.dispose()


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_receivers_of_an_async_engine_share_connections(tmp_path, is_async):
    """Calls share connections, which are closed, and each has the carried context of its send."""
    with_tables(create_engine(f"sqlite:///{tmp_path / 'shop.db'}")).dispose()
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
    actor: ContextVar[str] = ContextVar("actor", default="nobody")
    carry(actor)
    opened, closed, seen = [], [], []
    event.listen(engine.sync_engine, "connect", lambda *_: opened.append(1))
    event.listen(engine.sync_engine, "close", lambda *_: closed.append(1))
    database = EngineDatabase(engine)
    signal = Signal(name="shop.counted")

    def note(number, session, **kwargs):
        seen.append((number, actor.get()))

    async def anote(number, session, **kwargs):
        seen.append((number, actor.get()))

    receiver = anote if is_async else note
    signal.connect(receiver, weak=False, delivery=durable(name="note", effects=SAME))
    before = use_database(database)
    try:
        for number in range(20):
            token = actor.set(f"user {number}")
            signal.send(None, number=number)
            actor.reset(token)
    finally:
        use_database(before)
    before_calls = len(opened)
    Worker(database, concurrency=1).drain()
    assert sorted(seen) == [(number, f"user {number}") for number in range(20)]
    assert len(opened) - before_calls < 10  # those of the worker itself, too
    assert len(opened) == len(closed)
