"""Deliveries are stored on the connection of a session's transaction."""

from typing import Any

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion import Signal, durable, receiver
from clarion.commit import atomic
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy import alias, bound, post_save
from clarion.introspect import explain
from tests.integrations.sqlalchemy.commit.outboxes import (
    file_engine,
    keys,
    run_async,
    shipped_signal,
    with_tables,
)
from tests.integrations.sqlalchemy.commit.paid import Undo
from tests.integrations.sqlalchemy.shop import Customer, Order, Tag
from tests.savepoints import begin_before_savepoints


@pytest.fixture
def store(tmp_path):
    """Return the engine of a database with an outbox."""
    engine = file_engine(tmp_path / "one.db")
    yield engine
    engine.dispose()


@pytest.fixture
def paid():
    """Return a signal with a durable receiver."""
    return shipped_signal()


def test_it_is_committed_or_rolled_back_with_the_session(store, kind, paid):
    """A delivery is committed or rolled back with the session, named, bound, or of an instance."""
    with kind(store) as session, bound(session):
        order = Order(number="1")
        session.add(order)
        session.flush()
        paid.send(None, order_id=1)
        paid.send(None, order_id=2, session=session)
        paid.send(None, order_id=3, instance=order)
        assert keys(store) == []
        session.commit()
        assert keys(store) == ["1", "2", "3"]
        session.add(Order(number="2"))
        paid.send(None, order_id=4)
        session.rollback()
    assert keys(store) == ["1", "2", "3"]


def test_a_savepoint_that_is_rolled_back_stores_nothing(tmp_path, kind, paid):
    """The rows of a send are undone with its savepoint."""
    engine = create_engine(f"sqlite:///{tmp_path / 'two.db'}")
    begin_before_savepoints(engine)
    with_tables(engine)
    with kind(engine) as session, bound(session), session.begin():
        paid.send(None, order_id=1)
        with pytest.raises(Undo), session.begin_nested():
            paid.send(None, order_id=2)
            raise Undo
        with session.begin_nested():
            paid.send(None, order_id=3)
    assert keys(engine) == ["1", "3"]
    engine.dispose()


def test_without_a_transaction_it_has_one_of_its_own(store, paid):
    """Without a transaction a delivery is committed at once, and the session still has none."""
    with Session(store) as session:
        paid.send(None, order_id=1, session=session)
        assert not session.in_transaction()
        assert keys(store) == ["1"]
    scoped = scoped_session(sessionmaker(store))
    with bound(scoped):
        paid.send(None, order_id=2)  # the scope has no session yet
        assert not scoped.registry.has()
    assert keys(store) == ["1", "2"]


def test_a_session_on_a_connection_writes_in_its_transaction(store, paid):
    """A session on a connection stores in its transaction, as in a test or an `atomic` block."""
    begin_before_savepoints(store)
    store.dispose()  # so that the pool opens connections of this kind
    with store.connect() as connection, connection.begin() as transaction:
        session = Session(connection, join_transaction_mode="create_savepoint")
        paid.send(None, order_id=1, session=session)
        session.begin()
        paid.send(None, order_id=2, session=session)
        session.commit()
        transaction.rollback()
    assert keys(store) == []
    with store.connect() as connection:
        with Session(connection) as session:
            paid.send(None, order_id=3, session=session)
        with atomic(connection), Session(connection) as session:
            session.begin()
            paid.send(None, order_id=4, session=session)
    assert keys(store) == ["3", "4"]


def test_a_receiver_inside_a_flush_can_send(store, kind, paid):
    """A durable send inside a flush is in its transaction, and does not use the session."""

    @receiver(post_save, sender=Order)
    def send(instance, **kwargs):
        paid.send(None, order_id=instance.id)

    with kind(store) as session, bound(session):
        session.add_all([Order(number="1"), Order(number="2")])
        session.flush()
        assert keys(store) == []
        session.commit()
        session.add(Order(number="3"))
        session.flush()
        session.rollback()
    assert keys(store) == ["1", "2"]


def test_listeners_of_a_flush_can_send(store, paid):
    """Listeners of SQLAlchemy's events before, in and after the flush can send durably."""
    with Session(store) as session:
        for name in ("before_flush", "after_flush", "after_flush_postexec", "before_commit"):
            event.listen(session, name, lambda *args, name=name: _send(paid, name, args[0]))
        session.add(Order(number="1"))
        session.commit()
    assert keys(store) == ["before_commit", "before_flush", "after_flush", "after_flush_postexec"]


def _send(signal, name, session):
    signal.send(None, order_id=name, session=session)


def test_an_async_session(tmp_path, kind, paid):
    """An async session stores sends of `asend`, of a receiver in a flush, and in `run_sync`."""
    path = tmp_path / "one.db"
    store = file_engine(path)

    @receiver(post_save, sender=Order)
    def send(instance, **kwargs):
        paid.send(None, order_id=f"flush {instance.id}")

    async def main(engine):
        sessions = async_sessionmaker(engine, sync_session_class=kind)
        async with sessions() as session, bound(session):
            await paid.asend(None, order_id="none open")
            assert keys(store) == ["none open"]
            async with session.begin():
                session.add(Order(number="1"))
                await session.flush()
                await paid.asend(None, order_id="asend")
                await session.run_sync(lambda _: paid.send(None, order_id="run_sync"))
                with pytest.raises(Undo):
                    async with session.begin_nested():
                        await paid.asend(None, order_id="undone")
                        raise Undo
                assert keys(store) == ["none open"]
            session.add(Order(number="2"))
            await session.flush()
            await session.rollback()
            scoped = async_scoped_session(sessions, lambda: 1)
            with bound(scoped):
                await paid.asend(None, order_id="scoped")

    run_async(f"sqlite+aiosqlite:///{path}", main, begins=True)
    assert keys(store) == ["none open", "flush 1", "asend", "run_sync", "scoped"]
    store.dispose()


def test_a_sync_send_on_an_async_session_is_refused(tmp_path, paid):
    """A sync send on an async session is refused, because no code could await the statement."""
    path = tmp_path / "one.db"
    store = file_engine(path)

    async def main(engine):
        async with AsyncSession(engine) as session, bound(session):
            with pytest.raises(BoundaryError, match=r"await signal\.asend"):
                paid.send(None, order_id=1)
            await session.begin()
            with pytest.raises(BoundaryError, match=r"await signal\.asend"):
                paid.send(None, order_id=1)
            assert "stored in the transaction of the AsyncSession" in str(
                explain(paid, None, order_id=1)
            )

    run_async(f"sqlite+aiosqlite:///{path}", main)
    assert keys(store) == []
    store.dispose()


def test_an_async_session_on_a_connection(tmp_path, paid):
    """An async session on a connection stores in the connection's transaction."""
    path = tmp_path / "one.db"
    store = file_engine(path)

    async def main(engine):
        async with engine.connect() as connection:
            session = AsyncSession(connection)
            await paid.asend(None, order_id=1, session=session)
            async with connection.begin() as transaction:
                await paid.asend(None, order_id=2, session=session)
                await transaction.rollback()

    run_async(f"sqlite+aiosqlite:///{path}", main, begins=True)
    assert keys(store) == ["1"]
    store.dispose()


def test_a_session_without_an_engine_is_refused(paid):
    """A durable send with a session without an engine is refused."""
    with Session() as session, pytest.raises(BoundaryError, match="without an engine"):
        paid.send(None, order_id=1, session=session)


@pytest.fixture
def stores(tmp_path):
    """Return two databases with an outbox, each with its name as its alias."""
    made = {name: file_engine(tmp_path / f"{name}.db") for name in ("one", "two")}
    for name, engine in made.items():
        alias(engine, name)
    yield made
    for engine in made.values():
        engine.dispose()


def test_the_class_of_a_send_selects_one_of_several_engines(stores, kind, paid):
    """The class or `database=` selects an engine; a send without either is refused with the aliases."""
    binds = {Customer: stores["one"], Order: stores["two"]}
    with kind(binds=binds) as session, bound(session):
        session.begin()
        paid.send(Customer, order_id=1)
        paid.send(Order, order_id=2)
        with pytest.raises(BoundaryError, match=r"several engines \(one, two\)") as error:
            paid.send(None, order_id=3)
        assert str(error.value) in str(explain(paid, None, order_id=3))
        with pytest.raises(BoundaryError, match="several engines"):
            paid.send(Tag, order_id=3)
        customer, order = Customer(id=1, name="c"), Order(id=2, number="1")
        session.add_all([customer, order])
        session.flush()
        paid.send(None, order_id=4, instance=order, customer=customer)
        paid.send(None, order_id=5, customer=customer)
        with pytest.raises(BoundaryError, match="several engines"):
            paid.send(None, order_id=6, order=order, customer=customer)
        named = Signal(name="shop.named")
        named.connect(
            lambda sender, **kwargs: None, weak=False, delivery=durable(name="x", database="two")
        )
        named.send(None)
        session.commit()
    assert keys(stores["one"]) == ["1", "5"]
    assert keys(stores["two"]) == ["2", "4", None]


def test_engines_without_an_alias_of_their_own_are_refused(tmp_path, kind, paid):
    """Several engines without an alias are refused with the cure, because no name selects one."""
    made = [file_engine(tmp_path / f"{name}.db") for name in ("one", "two")]
    named = Signal(name="shop.named")
    named.connect(
        lambda sender, **kwargs: None, weak=False, delivery=durable(name="x", database="default")
    )
    with kind(binds=dict(zip((Customer, Order), made, strict=True))) as session, bound(session):
        session.begin()
        with pytest.raises(BoundaryError, match="several engines") as error:
            paid.send(None, order_id=1)
        assert "alias(engine, 'name')" in error.value.__notes__[0]
        with pytest.raises(
            BoundaryError, match=r"2 engines with the alias 'default'.*alias\(engine"
        ):
            named.send(None)
    for engine in made:
        assert keys(engine) == []
        engine.dispose()


def test_an_alias_finds_the_connection_that_the_session_has_joined(store):
    """A delivery is undone with the transaction of the connection, also if it is the first write."""
    named = Signal(name="shop.named")
    named.connect(
        lambda sender, **kwargs: None, weak=False, delivery=durable(name="x", database="default")
    )
    with store.connect() as joined, joined.begin() as outer:
        with Session(joined) as session, bound(session), session.begin():
            named.send(None)
        outer.rollback()
    assert keys(store) == []


def test_a_routing_session_is_asked_as_in_a_flush(stores, paid):
    """A routing session that reads from a replica stores deliveries in the engine that it writes to."""

    class Routing(Session):
        def get_bind(self, mapper=None, **kwargs):
            return stores["one" if self._flushing else "two"]

    with Routing() as session, bound(session):
        session.begin()
        paid.send(None, order_id=1)
        session.commit()
    assert keys(stores["one"]) == ["1"]
    assert keys(stores["two"]) == []


def test_engines_with_other_options_are_one_database(store, paid):
    """Engines that share a pool and differ in options are one database."""
    with Session(store, binds={Order: store.execution_options(yield_per=9)}) as session:
        session.begin()
        paid.send(None, order_id=1, session=session)
        session.commit()
    assert keys(store) == ["1"]


def test_a_sharded_session_writes_to_the_shard_of_the_instance(stores, kind, paid):
    """A sharded session stores in the instance's shard, and refuses a send without an instance."""

    def every_shard(*arguments: Any, **keywords: Any) -> Any:
        return [*stores]

    session = ShardedSession(
        shards=stores,
        shard_chooser=lambda mapper, instance, clause=None: instance.name,
        identity_chooser=every_shard,
        execute_chooser=every_shard,
    )
    with session, bound(session):
        tags = [Tag(name="one"), Tag(name="two")]
        session.add_all(tags)
        session.flush()
        for each in tags:
            paid.send(None, order_id=each.name, instance=each)
        with pytest.raises(BoundaryError, match="several engines"):
            paid.send(None, order_id=3)
        session.commit()
    assert [keys(stores[name]) for name in ("one", "two")] == [["one"], ["two"]]
