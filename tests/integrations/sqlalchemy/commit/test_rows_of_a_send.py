"""The objects among the arguments of a durable send: their session and their database."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

from clarion import Signal, durable
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy import EngineDatabase, alias, bound
from clarion.outbox import use_database
from tests.integrations.sqlalchemy.commit.outboxes import file_engine, keys, run_async
from tests.integrations.sqlalchemy.shop import Customer, Order

OTHER = "of another database than the one that stores the send"


@pytest.fixture
def engines(tmp_path):
    """Return two engines of databases with an outbox and an order each."""
    found = [file_engine(tmp_path / f"{name}.db") for name in ("one", "two")]
    for number, engine in enumerate(found, 1):
        with Session(engine) as session, session.begin():
            session.add(Order(number=str(number)))
    yield found
    for engine in found:
        engine.dispose()


def shipped(key):
    """Return a signal with a durable receiver of this key."""
    signal = Signal(name="shop.order_paid")
    signal.connect(
        lambda sender, **kwargs: None, weak=False, delivery=durable(name="ship", key=key)
    )
    return signal


def number_of(instance, **kwargs):
    """Return the key of a send, which reads an attribute."""
    return instance.number


def test_a_send_that_reads_an_expired_attribute_has_a_transaction_of_its_own(engines):
    """A commit expires the attributes. To read one, the session begins a transaction, which may have no end."""
    store = engines[0]
    with Session(store) as session:
        order = session.query(Order).one()
        session.commit()
        shipped(number_of).send(None, instance=order)
        assert session.in_transaction()
        assert keys(store) == ["1"]
        session.query(Order).one()
        shipped(number_of).send(None, instance=order)
        assert keys(store) == ["1"]
        session.commit()
    assert keys(store) == ["1", "1"]


def test_so_has_one_of_an_async_session(engines, tmp_path):
    """The key function runs in `run_sync`, where it can await the row."""

    async def main(engine):
        async with async_sessionmaker(engine)() as session, session.begin():
            order = Order(number="3")
            session.add(order)
        async with async_sessionmaker(engine)() as session:
            order = await session.merge(order)
            await session.commit()
            await session.run_sync(
                lambda _: shipped(number_of).send(None, instance=order, session=session)
            )
            assert keys(engines[0]) == ["3"]

    run_async(f"sqlite+aiosqlite:///{tmp_path / 'one.db'}", main)


@pytest.mark.parametrize("in_list", [False, True])
def test_a_row_of_another_database_is_refused(engines, in_list):
    """A worker would load the row with the same key from its own database."""
    signal = shipped(None)
    with Session(engines[0]) as session, Session(engines[1]) as other:
        mine, theirs = session.query(Order).one(), other.query(Order).one()
        for name in ("order", "instance"):
            sent = {name: [theirs] if in_list else theirs}
            with pytest.raises(BoundaryError, match=rf"'{name}' is .*Order.* {OTHER}"):
                signal.send(None, session=session, **sent)
        signal.send(None, session=session, order=[mine] if in_list else mine)
        session.commit()
    assert (keys(engines[0]), keys(engines[1])) == ([None], [])


def test_the_class_decides_in_a_session_with_several_databases(engines):
    """A worker with the same sessions loads each class from its own database."""
    one, two = engines
    alias(two, "two")
    sessions = sessionmaker(one, binds={Customer: two})
    with Session(two) as other:
        customer = Customer(name="x")
        other.add(customer)
        other.commit()
        with sessions() as session, session.begin():
            shipped(None).send(None, session=session, sender_row=customer)
            with pytest.raises(BoundaryError, match=OTHER):
                shipped(None).send(None, session=session, order=other.query(Order).one())


def test_two_engines_of_one_database_are_accepted(engines, tmp_path):
    """They are the same by their address, or by an alias that was given to both."""
    signal, again = shipped(None), create_engine(engines[0].url)
    with Session(engines[0]) as session, Session(again) as other:
        signal.send(None, session=session, order=other.query(Order).one())
        session.rollback()
        alias(again, "again")
        with pytest.raises(
            BoundaryError, match=r"give them the same alias: .*alias\(engine, 'name'\)"
        ):
            signal.send(None, session=session, order=other.query(Order).one())
        alias(engines[0], "again")
        signal.send(None, session=session, order=other.query(Order).one())
    again.dispose()


@pytest.mark.parametrize("make", [lambda engine: engine, sessionmaker])
def test_the_database_of_the_program_refuses_it_too(engines, make):
    """Such a send is in no session, and is stored in the database that `use_database` has set."""
    signal = shipped(None)
    before = use_database(EngineDatabase(make(engines[0])))
    try:
        with Session(engines[0]) as session, Session(engines[1]) as other:
            with pytest.raises(BoundaryError, match=OTHER):
                signal.send(None, order=other.query(Order).one())
            signal.send(None, order=session.query(Order).one())
    finally:
        use_database(before)
    assert keys(engines[0]) == [None]


def test_an_async_database_of_the_program_refuses_it(engines, tmp_path):
    """Its sessions are asked, which do not connect."""

    async def main(engine):
        before = use_database(EngineDatabase(async_sessionmaker(engine)))
        try:
            with Session(engines[1]) as other, pytest.raises(BoundaryError, match=OTHER):
                await shipped(None).asend(None, order=other.query(Order).one())
        finally:
            use_database(before)

    run_async(f"sqlite+aiosqlite:///{tmp_path / 'one.db'}", main)


def test_a_bound_session_is_the_one_that_sends(engines):
    """It is checked like a session that the send names."""
    with (
        Session(engines[0]) as session,
        bound(session),
        Session(engines[1]) as other,
        pytest.raises(BoundaryError, match=OTHER),
    ):
        shipped(None).send(None, order=other.query(Order).one())
