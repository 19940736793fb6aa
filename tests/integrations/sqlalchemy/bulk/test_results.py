"""The caller of a statement gets what it gets without receivers."""

import asyncio
from unittest.mock import MagicMock

import pytest
from sqlalchemy import JSON, create_engine, delete, insert, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from clarion.integrations.sqlalchemy import (
    alias,
    post_bulk_delete,
    post_bulk_insert,
    post_bulk_update,
)
from tests.integrations.sqlalchemy.shop import Base, Dog, Order, Tag

WRITES = [
    insert(Tag).values(name="new"),
    insert(Tag).values(name="new").returning(Tag),
    update(Tag).values(name="new"),
    update(Tag).values(name="new").execution_options(synchronize_session="fetch"),
    update(Tag).values(name="new").returning(Tag.id),
    delete(Tag),
]


def listen():
    """Return a list to which a receiver of the bulk signals adds its keywords."""
    found = []

    def take(**named):
        found.append(named)

    for signal in (post_bulk_insert, post_bulk_update, post_bulk_delete):
        signal.connect(take, weak=False)
    return found


@pytest.fixture
def calls():
    """Record the keywords of the bulk signals."""
    return listen()


@pytest.mark.parametrize("statement", WRITES)
def test_a_session_may_choose_its_engine_as_in_the_manual(engine, statement):
    """A `get_bind` that takes a mapper and a clause is called as often as without receivers."""
    asked = []

    class RoutingSession(Session):
        def get_bind(self, mapper=None, clause=None):  # type: ignore[override]
            asked.append(mapper)
            return engine

    alias(engine, "routed")
    with RoutingSession() as session:
        session.execute(statement)
    without = len(asked)
    calls = listen()
    with RoutingSession() as session:
        session.execute(statement)
    assert [named["using"] for named in calls] == ["routed"]
    assert len(asked) == 2 * without


def test_the_alias_is_that_of_the_engine_that_wrote(engine, calls):
    """`using` is the alias of the engine that wrote, because a routing session is asked once."""
    replica = create_engine("sqlite://")
    alias(replica, "replica")
    alias(engine, "primary")
    engines = iter([engine, replica])

    class Alternating(Session):
        def get_bind(self, **arguments):  # type: ignore[override]
            return next(engines)

    with Alternating() as session:
        session.execute(insert(Tag).values(name="new"))
    assert [named["using"] for named in calls] == ["primary"]
    replica.dispose()


def test_get_bind_of_one_session_is_put_back(engine, calls):
    """The `get_bind` of one session is put back, also if a test has replaced it."""
    with Session() as session:
        replaced = MagicMock(return_value=engine)
        vars(session)["get_bind"] = replaced
        session.execute(insert(Tag).values(name="new"))
        assert session.get_bind is replaced
        assert calls[0]["rowcount"] == 1


def test_loaded_objects_change_when_the_rows_are_read(session, calls):
    """The ORM changes loaded objects when the rows are read; receivers have the keys before."""
    tag = Tag(id=1, name="old")
    session.add(tag)
    session.flush()
    rows = [{"id": 1, "name": "new"}]
    upsert = sqlite_insert(Tag).values(rows)
    upsert = upsert.on_conflict_do_update(
        index_elements=["id"], set_={"name": upsert.excluded.name}
    )
    statement = upsert.returning(Tag)
    result = session.scalars(statement, execution_options={"populate_existing": True})
    assert (calls[0]["rowcount"], calls[0]["pk_set"]) == (1, {1})
    assert tag.name == "old"
    assert result.all() == [tag]
    assert tag.name == "new"


@pytest.mark.parametrize("synchronize", ["auto", "evaluate", "fetch", False])
def test_loaded_objects_change_then_however_they_are_synchronized(session, calls, synchronize):
    """Loaded objects change then, even if SQLAlchemy has read the rows itself and put them back."""
    session.add(Order(id=1, number="old", note="old"))
    session.flush()
    order = session.get_one(Order, 1)
    session.connection().execute(update(Base.metadata.tables["orders"]).values(note="new"))
    options = {"populate_existing": True, "synchronize_session": synchronize}
    statement = update(Order).values(number="new").returning(Order)
    result = session.scalars(statement, execution_options=options)
    assert calls[0]["pk_set"] == {1}
    assert order.note == "old"
    assert result.all() == [order]
    assert order.note == "new"


def test_the_result_keeps_its_cursor(session, calls):
    """The context and the columns of the result are those of the statement."""
    session.add_all([Tag(name="1"), Tag(name="2")])
    session.flush()
    result = session.execute(update(Tag).values(name="3").returning(Tag.name, Tag.id))
    assert result.raw.context.isupdate
    assert list(result.keys()) == ["name", "id"]
    assert result.fetchone() == ("3", 1)
    assert result.partitions(1).__next__() == [("3", 2)]
    assert calls[0]["pk_set"] == {1, 2}


def test_types_are_converted_once(engine, calls):
    """Rows that were read already are not converted again."""

    class Base(DeclarativeBase):
        pass

    class Document(Base):
        __tablename__ = "document"
        id: Mapped[int] = mapped_column(primary_key=True)
        data: Mapped[dict[str, int]] = mapped_column(JSON)

    Base.metadata.create_all(engine)
    rows = [{"data": {"a": 1}}, {"data": {"b": 2}}]
    with Session(engine) as session:
        found = session.execute(insert(Document).returning(Document.data, Document), rows).all()
        assert [data for data, _ in found] == [{"a": 1}, {"b": 2}]
        assert [document.data for _, document in found] == [{"a": 1}, {"b": 2}]
        assert calls[0]["pk_set"] == {document.id for _, document in found}


def test_a_subclass_returns_the_key_of_its_own_table(session, calls):
    """The keys of a subclass are read from its own table, though the mapper's key is the base's column."""
    session.add(Dog(name="Rex", breed="old"))
    session.flush()
    statement = update(Dog).values(breed="new").returning(Dog.__table__.c.id)
    (key,) = session.scalars(statement, execution_options={"synchronize_session": False})
    assert calls[0]["pk_set"] == {key}


def test_an_async_session_returns_the_rows_too(calls):
    """An async session reads all rows before it returns the result."""

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            rows = [{"name": "1"}, {"name": "2"}]
            tags = (await session.scalars(insert(Tag).returning(Tag), rows)).all()
            assert [tag.name for tag in tags] == ["1", "2"]
            ids = await session.scalars(update(Tag).values(name="3").returning(Tag.id))
            assert ids.all() == [1, 2]
            streamed = await session.stream_scalars(delete(Tag).returning(Tag.id))
            assert [key async for key in streamed] == [1, 2]
        await engine.dispose()

    asyncio.run(main())
    assert [(named["rowcount"], named["pk_set"]) for named in calls] == [(2, {1, 2})] * 3


def test_a_label_is_no_primary_key(session, calls):
    """A label with the name of the primary key is not taken for it."""
    session.add(Tag(name="1"))
    session.flush()
    session.execute(update(Tag).values(name="5").returning(Tag.name.label("id")))
    assert [(named["rowcount"], named["pk_set"]) for named in calls] == [(1, None)]
