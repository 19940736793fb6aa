"""Statements that change rows without the knowledge of the session."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, event, insert, select, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from clarion import Signal, on_commit
from clarion.commit import atomic
from clarion.integrations.sqlalchemy import post_save
from tests.integrations.sqlalchemy.shop import Animal, Base, Dog, Order, Tag

UNSYNCHRONIZED = {"synchronize_session": False}

TABLE: Any = Tag.__table__
VALUES = {"id": 1, "name": "new"}
UPSERTED = sqlite.insert(Tag).values(VALUES)
UPSERT = UPSERTED.on_conflict_do_update(index_elements=[Tag.id], set_={"name": "new"})

WRITES = {
    "unsynchronized": lambda session: session.execute(
        update(Tag).values(name="new"), execution_options=UNSYNCHRONIZED
    ),
    "legacy": lambda session: session.query(Tag).update({"name": "new"}, synchronize_session=False),
    "by primary key": lambda session: session.execute(update(Tag), [VALUES]),
    "core": lambda session: session.execute(update(TABLE).values(name="new")),
    "connection": lambda session: session.connection().execute(update(TABLE).values(name="new")),
    "upsert": lambda session: session.execute(UPSERT),
    "replace": lambda session: session.execute(insert(Tag).prefix_with("OR REPLACE"), [VALUES]),
    "from_statement": lambda session: session.scalars(
        select(Tag).from_statement(update(Tag).values(name="new").returning(Tag))
    ).all(),
    "upsert by from_statement": lambda session: session.scalars(
        select(Tag).from_statement(UPSERT.returning(Tag))
    ).all(),
    "text": lambda session: session.execute(text("UPDATE tag SET name = 'new'")),
    "text after WITH": lambda session: session.execute(
        text("WITH other AS (SELECT 1) UPDATE tag SET name = 'new'")
    ),
    "text after comments": lambda session: session.execute(
        text("-- rename\n/* UPDATE\n*/ update tag SET name = 'new'")
    ),
}


@pytest.fixture
def names():
    """The names of tags that a receiver gets after the commit."""
    found = []

    def note(instance, **kwargs):
        found.append(instance.name)

    post_save.connect(note, sender=Tag, delivery=on_commit)
    return found


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_copy_has_what_a_statement_wrote(session, names, write):
    """The copy has the committed values, which the session does not know."""
    session.add(Tag(id=1, name="old"))
    session.flush()
    write(session)
    session.commit()
    assert names == ["new"]


@pytest.mark.parametrize(
    "statement",
    [
        update(Order).values(number="9"),
        insert(Tag).values(name="2"),
        text("-- UPDATE\nSELECT 1"),
    ],
)
def test_other_statements_take_no_query(engine, session, names, statement):
    """If a statement has changed no row of the class, no row is read after the commit."""
    session.add(Tag(id=1, name="old"))
    session.flush()
    session.execute(statement)
    session.execute(update(Tag).where(Tag.id == 1).values(name="new"))  # the session knows it
    read = []
    event.listen(engine, "before_cursor_execute", lambda *given: read.append(given[2]))
    session.commit()
    assert names == ["new"]
    assert read == []


def test_a_send_before_the_session_has_a_connection(session):
    """The connection that it gets for its flush is watched, too."""
    renamed, found = Signal(), []
    renamed.connect(lambda instance, **kw: found.append(instance.name), delivery=on_commit)
    session.add(tag := Tag(id=1, name="old"))
    renamed.send(None, instance=tag)
    session.flush()
    WRITES["core"](session)
    session.commit()
    assert found == ["new"]


def test_a_row_that_is_gone(session, names):
    """If the row was deleted, too, the copy has the values that the session knows."""
    session.add(Tag(id=1, name="old"))
    session.flush()
    WRITES["core"](session)
    session.execute(delete(TABLE))
    session.commit()
    assert names == ["old"]


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_after_a_savepoint(session, names, end):
    """Statements after the end of a savepoint are seen, too."""
    session.add(Tag(id=1, name="old"))
    session.flush()
    with session.begin_nested() as savepoint:
        session.add(Tag(id=2, name="other"))
        session.flush()
        getattr(savepoint, end)()
    WRITES["core"](session)
    session.commit()
    assert set(names) == {"new"}


def test_the_table_of_a_base(session):
    """A statement on the table of a base changes the rows of subclasses."""
    found = []

    def note(instance, **kwargs):
        found.append((instance.name, instance.breed))

    post_save.connect(note, sender=Dog, delivery=on_commit)
    session.add(Dog(name="old", breed="b"))
    session.flush()
    session.execute(update(Animal).values(name="new"), execution_options=UNSYNCHRONIZED)
    session.commit()
    assert found == [("new", "b")]


def test_two_sessions_on_one_connection(engine):
    """A statement of one of them may change the rows of the other one's calls."""
    renamed, found = Signal(), []
    renamed.connect(lambda instance, **kw: found.append(instance.name), delivery=on_commit)
    with Session(engine) as setup:
        setup.add_all([Tag(id=1, name="old"), Tag(id=2, name="old")])
        setup.commit()
    with engine.connect() as connection, atomic(connection):
        one, other = Session(connection), Session(connection)
        tags = [session.get_one(Tag, 1) for session in (one, other)]
        for tag in tags:
            renamed.send(None, instance=tag)
        other.execute(update(TABLE).values(name="new"))
        one.commit()
        assert "_execute_clauseelement" in vars(connection)
        other.commit()
        assert "_execute_clauseelement" not in vars(connection)
    assert found == ["new", "new"]


def test_the_connection_is_left_as_it_was(names):
    """After the transaction the connection has its own methods, and the next session is watched."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        for number in (1, 2):
            # Kept alive by nothing: neither session ends its transaction itself.
            session = Session(connection)
            session.add(Tag(id=1, name="old"))
            session.flush()
            WRITES["core"](session)
            if number == 2:
                session.commit()
                assert "_execute_clauseelement" not in vars(connection)
            dropped = weakref.ref(session)
            del session
            gc.collect()
            assert dropped() is None
            connection.rollback()
    assert names == ["new"]
    engine.dispose()


def test_async_sessions(names):
    """The statements of an AsyncSession are seen, too."""

    async def write():
        engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            session.add(Tag(id=1, name="old"))
            await session.flush()
            await session.execute(update(Tag).values(name="new"), execution_options=UNSYNCHRONIZED)
            await session.commit()
        await engine.dispose()

    asyncio.run(write())
    assert names == ["new"]
