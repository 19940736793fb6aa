"""Savepoints on the connection of a session."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from clarion.integrations.sqlalchemy.commit.savepoints import open_savepoints
from tests.integrations.sqlalchemy.commit.paid import paid
from tests.integrations.sqlalchemy.shop import Author, Base, Tag
from tests.integrations.sqlalchemy.test_send import run
from tests.savepoints import begin_before_savepoints


@pytest.fixture
def engine():
    """SQLite that begins transactions, as SQLAlchemy's manual advises for savepoints."""
    made = create_engine("sqlite://", poolclass=StaticPool)
    begin_before_savepoints(made)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def test_a_rollback_below_the_session_drops_calls(session, ran):
    """A rollback below the session drops the calls of the savepoint; those before and after it run."""
    session.begin()
    paid.send(None, order_id=0, session=session)
    savepoint = session.connection().begin_nested()
    paid.send(None, order_id=1, session=session)
    with session.begin_nested():
        paid.send(None, order_id=2, session=session)
    with session.connection().begin_nested():
        ((_, scheduled),) = paid.send(None, order_id=3, session=session)
    savepoint.rollback()
    paid.send(None, order_id=4, session=session)
    with session.connection().begin_nested():
        paid.send(None, order_id=5, session=session)
    session.commit()
    assert ran == [0, 4, 5]
    assert scheduled.status == "dropped"


def test_the_savepoints_of_the_session_are_its_own(session, ran):
    """Savepoints that the session sets are not watched a second time."""
    session.begin()
    session.connection()
    with session.begin_nested() as savepoint:
        session.connection()
        assert open_savepoints(savepoint) == []
    session.commit()


def test_savepoints_around_the_session_are_of_other_code(engine, kind):
    """Savepoints around a session that has joined a transaction are not watched."""
    with engine.connect() as connection, connection.begin(), connection.begin_nested():
        for mode in ("create_savepoint", "rollback_only", "conditional_savepoint"):
            with kind(connection, join_transaction_mode=mode) as session:
                session.add(Tag(name="t"))
                session.flush()
                assert open_savepoints(session.get_transaction()) == []
                session.commit()


def test_async_sessions(ran):
    """A savepoint on the connection of an async session drops its calls."""

    async def story(session):
        await session.begin()
        savepoint = await (await session.connection()).begin_nested()
        await paid.asend(None, order_id=1, session=session)
        await savepoint.rollback()
        await paid.asend(None, order_id=2, session=session)
        await session.commit()

    run(story)
    assert ran == [2]


@pytest.mark.service
def test_postgresql(postgres, kind, ran):
    """On PostgreSQL a rollback to a savepoint of the connection drops its calls."""
    engine = create_engine(postgres)
    Base.metadata.create_all(engine)
    with kind(engine) as session:
        session.add(Tag(name="kept"))
        session.flush()
        with session.connection().begin_nested() as savepoint:
            session.add(Tag(name="gone"))
            session.flush()
            paid.send(None, order_id=1, session=session)
            savepoint.rollback()
        paid.send(None, order_id=2, session=session)
        session.commit()
    with Session(engine) as session:
        assert [each.name for each in session.query(Tag)] == ["kept"]
    assert ran == [2]
    engine.dispose()


def test_a_connection_keeps_nothing_of_the_past(engine, ran):
    """A connection that works for days keeps no data of past transactions."""
    with engine.connect() as connection:
        for _ in range(3):
            with Session(connection) as session:
                session.add(Tag(name="t"))
                with session.connection().begin_nested() as savepoint:
                    paid.send(None, order_id=1, session=session)
                    savepoint.rollback()
                session.rollback()
        kept = [value for name, value in vars(connection).items() if "clarion" in name]
        assert [len(each) for each in kept] == [0]
    assert ran == []


@pytest.fixture
def two_databases(engine, kind):
    """A session that writes authors to one database, and all else to another."""
    other = create_engine("sqlite://", poolclass=StaticPool)
    begin_before_savepoints(other)
    Base.metadata.create_all(other)
    with kind(binds={Author: other, Tag: engine}) as session:
        yield session
    other.dispose()


@pytest.mark.parametrize("rolled_back", [Author, Tag])
def test_a_savepoint_on_another_engine_does_not_count(two_databases, ran, rolled_back):
    """Calls for instances and classes of the engine without the rollback run."""
    session = two_databases
    session.add_all([Author(name="a"), Tag(name="t")])
    session.flush()
    kept = Tag if rolled_back is Author else Author
    connection = session.connection(bind_arguments={"mapper": rolled_back})
    savepoint = connection.begin_nested()
    paid.send(kept, order_id=1, session=session)
    paid.send(rolled_back, order_id=2, session=session)
    paid.send(None, order_id=3, instance=kept(name="1"), session=session)
    paid.send(kept, order_id=4, instance=rolled_back(name="2"), session=session)
    paid.send(None, order_id=5, session=session)  # nothing shows the engine
    savepoint.rollback()
    session.commit()
    assert ran == [1, 3]
