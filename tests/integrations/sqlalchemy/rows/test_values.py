"""The values in `changes`, of every kind of column."""

import asyncio
import enum
from decimal import Decimal
from threading import Lock
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import JSON, Integer, PickleType, String, create_engine, event, func, inspect, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.ext.mutable import Mutable, MutableDict, MutableList, MutableSet
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    composite,
    mapped_column,
    synonym,
)
from sqlalchemy.orm.attributes import flag_modified

from clarion import receiver
from clarion.integrations.sqlalchemy import post_save, pre_save
from clarion.integrations.sqlalchemy.rows.values import copy_value
from tests.integrations.sqlalchemy.conftest import with_driver


class Base(DeclarativeBase):
    type_annotation_map = {str: String(50)}  # noqa: RUF012  # MariaDB wants to know the length


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __composite_values__(self):
        return self.x, self.y


class Thing(Base):
    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(primary_key=True)
    renamed: Mapped[str | None] = mapped_column("name")
    data: Mapped[Any] = mapped_column(MutableDict.as_mutable(JSON), nullable=True)
    plain: Mapped[list[int] | None] = mapped_column(JSON)
    pickled: Mapped[object | None] = mapped_column(PickleType)
    colour: Mapped[Colour | None]
    x: Mapped[int] = mapped_column(default=0)
    y: Mapped[int] = mapped_column(default=0)
    point = composite(Point, x, y)
    long: Mapped[str | None] = mapped_column(deferred=True)
    served: Mapped[str] = mapped_column(server_default="s")
    touched: Mapped[int] = mapped_column(default=1, onupdate=2)
    version: Mapped[int] = mapped_column()
    also = synonym("renamed")
    twice = column_property(x * 2)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    def _set_name(self, value):
        self.renamed = value

    name = hybrid_property(lambda self: self.renamed, _set_name)


class Listed(DeclarativeBase):
    pass


class Row(Listed):
    """Columns that only PostgreSQL has."""

    __tablename__ = "listed"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    marks: Mapped[list[int]] = mapped_column(MutableList.as_mutable(ARRAY(Integer)))
    stock: Mapped[Decimal]


@pytest.fixture
def session(engine, kind):
    Base.metadata.create_all(engine)
    with kind(engine) as session:
        yield session


@pytest.fixture
def thing(session):
    thing = Thing(renamed="n", data={"a": {"b": 1}}, plain=[1], colour=Colour.RED, long="l")
    session.add(thing)
    session.commit()
    session.refresh(thing)
    return thing


@pytest.fixture
def after(thing):
    """Return the changes that post_save had last."""
    kept = []

    @receiver(post_save, sender=Thing)
    def keep(changes, **kwargs):
        kept.append(changes)

    return kept


def calls(session, after):
    session.flush()
    return dict(after.pop())


def test_new_row(session):
    """Loaded defaults are among the changes after the flush, without a query."""
    kept, statements = [], []

    @receiver([pre_save, post_save], sender=Thing)
    def keep(changes, **kwargs):
        kept.append({name: change.new for name, change in changes.items()})

    @event.listens_for(session.bind, "before_cursor_execute")
    def note(connection, cursor, statement, *rest):
        statements.append(statement.split()[0])

    session.add(Thing(name="n", point=Point(3, 4)))
    session.flush()
    before, after = kept
    assert before == {"renamed": "n", "x": 3, "y": 4}
    assert after.pop("served", "s") == "s"
    assert after == before | {"id": 1, "touched": 1, "version": 1}
    assert statements == ["INSERT"]


def test_names_are_those_of_column_attributes(session, thing, after):
    """The names are those of column attributes, though a synonym, hybrid or composite was set."""
    thing.also = "m"
    assert calls(session, after) == {"renamed": ("n", "m")}
    thing.name = "o"
    thing.point = Point(0, 5)
    assert calls(session, after) == {"renamed": ("m", "o"), "y": (0, 5)}


def test_enumeration(session, thing, after):
    """The values of an enumeration column are its members."""
    thing.colour = Colour.BLUE
    assert calls(session, after) == {"colour": (Colour.RED, Colour.BLUE)}


def test_deferred_column(session, thing, after):
    """The old value of a deferred column is read from the row."""
    assert "long" not in inspect(thing).dict
    thing.long = "m"
    assert calls(session, after) == {"long": ("l", "m")}


def test_value_changed_in_place(session, thing, after):
    """The old value of a value changed in place is read from the row."""
    thing.data["a"] = 2
    assert calls(session, after) == {"data": ({"a": {"b": 1}}, {"a": 2})}
    thing.plain.append(2)
    flag_modified(thing, "plain")
    assert calls(session, after) == {"plain": ([1], [1, 2])}


def test_values_do_not_change_later(session, thing, after):
    """Old and new values are copies, before the flush and after it."""
    kept = []

    @receiver(pre_save, sender=Thing)
    def keep(changes, **kwargs):
        kept.append(changes)

    old, new = thing.data, {"c": {"d": 2}}
    thing.data = new
    thing.plain = plain = [2]
    session.flush()
    old["a"]["b"] = thing.data["c"]["d"] = new["c"]["d"] = 99
    plain.append(3)
    thing.plain.append(4)
    for changes in kept[0], after[0]:
        assert changes["data"] == ({"a": {"b": 1}}, {"c": {"d": 2}})
        assert changes["plain"] == ([1], [2])
        assert type(changes["data"].old) is type(changes["data"].new) is dict


def test_a_change_of_a_copy_changes_nothing(session, thing, after):
    """A change of a copy changes neither the instance nor whether it is dirty."""
    thing.data = {"c": 1}
    session.flush()
    after[0]["data"].new["c"] = 2
    assert thing.data == {"c": 1}
    assert thing not in session.dirty


def test_expressions_of_every_kind(session, thing, after):
    """The changes have the value of NULL, of a function, and of one beside a plain value."""
    thing.renamed = func.upper("abc")
    thing.x = 7
    assert calls(session, after) == {"renamed": ("n", "ABC"), "x": (0, 7)}
    thing.renamed = text("NULL")
    assert calls(session, after) == {"renamed": ("ABC", None)}
    session.add(Thing(renamed=func.lower("ABC")))
    assert calls(session, after)["renamed"] == (None, "abc")


class Watched(Mutable):
    def __init__(self, value):
        self.value = value


class Stubborn:
    def __deepcopy__(self, memo):
        raise RuntimeError


def test_copies_are_not_tracked():
    """Copies are not tracked, and a value that cannot be copied is returned as it is."""
    assert type(copy_value(MutableList([1]))) is list
    assert type(copy_value(MutableSet([1]))) is set
    watched = Watched([1])
    watched._parents[Lock] = "key"
    copied = copy_value(watched)
    assert (copied.value, dict(copied._parents)) == ([1], {})
    assert copied.value is not watched.value
    lock, stubborn = Lock(), Stubborn()
    assert copy_value(lock) is lock
    assert copy_value(stubborn) is stubborn


@pytest.mark.service
@pytest.mark.parametrize("server", ["postgres", "mariadb"])
def test_on_servers(server, kind, request):
    """On servers too, inserts, expired values, expressions and changes in place are reported."""
    engine = create_engine(request.getfixturevalue(server))
    Base.metadata.create_all(engine)
    calls = []

    @receiver(post_save, sender=Thing)
    def keep(changes, **kwargs):
        calls.append({name: pair for name, pair in changes.items() if name != "served"})

    with kind(engine) as session:
        thing = Thing(renamed="n", data={"a": 1}, pickled={1, 2}, colour=Colour.RED)
        session.add(thing)
        session.commit()
        thing.renamed, thing.x, thing.colour = "m", Thing.x + 41, Colour.BLUE
        session.commit()
        thing.data["a"] = 2
        thing.pickled = None
        session.commit()
    engine.dispose()
    created, *updated = calls
    assert created["pickled"] == (None, {1, 2})
    assert created["id"] == created["version"] == (None, 1)
    assert updated == [
        {"renamed": ("n", "m"), "x": (0, 41), "colour": (Colour.RED, Colour.BLUE)},
        {"data": ({"a": 1}, {"a": 2}), "pickled": ({1, 2}, None)},
    ]


@pytest.mark.service
def test_on_postgresql_by_asyncpg(postgres, kind):
    """Through asyncpg, async receivers get arrays changed in place, generated keys and numbers."""
    pytest.importorskip("asyncpg")
    calls = []

    @receiver([pre_save, post_save], sender=Row)
    async def keep(changes, **kwargs):
        calls.append((dict(changes), changes.pending))

    async def main():
        engine = create_async_engine(with_driver(postgres, "postgresql+asyncpg"))
        async with engine.begin() as connection:
            await connection.run_sync(Listed.metadata.create_all)
        async with AsyncSession(engine, sync_session_class=kind, expire_on_commit=False) as session:
            row = Row(marks=[1], stock=Decimal("1.5"))
            session.add(row)
            await session.commit()
            row.marks.append(2)
            row.stock = Row.stock - 1
            await session.commit()
        await engine.dispose()
        return row.id

    key = asyncio.run(main())
    inserted = {"marks": (None, [1]), "stock": (None, Decimal("1.5"))}
    marks = {"marks": ([1], [1, 2])}
    assert calls == [
        (inserted, set()),
        ({"id": (None, key), **inserted}, set()),
        (marks, {"stock"}),
        ({**marks, "stock": (Decimal("1.5"), Decimal("0.5"))}, set()),
    ]
