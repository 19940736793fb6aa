"""Which columns a flush is going to update."""

import pytest
from sqlalchemy import JSON, ForeignKey, create_engine, inspect
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    composite,
    mapped_column,
    relationship,
)
from sqlalchemy.orm.attributes import flag_modified

from clarion.integrations.sqlalchemy import post_save
from clarion.integrations.sqlalchemy.rows.columns import (
    changed_columns,
    is_expression,
    new_foreign_keys,
)
from clarion.integrations.sqlalchemy.rows.mapper_info import mapper_info


class Base(DeclarativeBase):
    pass


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __composite_values__(self):
        return self.x, self.y

    def __eq__(self, other):
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    __hash__ = None  # type: ignore[assignment]


class Owner(Base):
    __tablename__ = "owner"
    id: Mapped[int] = mapped_column(primary_key=True)


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    renamed: Mapped[str] = mapped_column("name")
    data: Mapped[dict[str, int]] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    x: Mapped[int] = mapped_column(default=0)
    y: Mapped[int] = mapped_column(default=0)
    point = composite(Point, x, y)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owner.id"))
    owner: Mapped[Owner | None] = relationship()
    twice = column_property(x * 2)


@pytest.fixture
def session(engine):
    Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
def thing(session):
    thing = Thing(renamed="n", owner=Owner(id=1))
    session.add(thing)
    session.commit()
    session.refresh(thing)
    return thing


def fields(thing):
    state = inspect(thing)
    return changed_columns(state, mapper_info(state.mapper))


def test_names_are_those_of_attributes(thing):
    """The names are those of attributes, not of the table's columns."""
    thing.renamed = "m"
    assert fields(thing) == {"renamed"}


def test_mutable_and_flagged_values(thing):
    """A value changed in place, or flagged as changed, is updated."""
    thing.data["a"] = 1
    assert fields(thing) == {"data"}
    flag_modified(thing, "renamed")
    assert fields(thing) == {"data", "renamed"}


def test_composites_are_their_columns(thing):
    """A composite is its columns, of which one alone may differ."""
    thing.point = Point(0, 5)
    assert fields(thing) == {"y"}


def test_many_to_one_is_its_foreign_key(session, thing):
    """A many-to-one is a change of its foreign key if the flush sets another key."""
    thing.owner = thing.owner
    assert not fields(thing)
    thing.owner = Owner(id=2)
    assert fields(thing) == {"owner_id"}
    session.flush()
    thing.owner = None
    assert fields(thing) == {"owner_id"}
    session.flush()
    thing.owner = Owner()
    assert fields(thing) == {"owner_id"}


def test_setting_the_stored_object_is_no_change(session, thing):
    """Setting the object whose key is stored is no change."""
    session.expire(thing, ["owner"])
    thing.owner = session.get(Owner, 1)
    assert not fields(thing)


def test_many_to_one_that_is_expired(session, thing):
    """The key of an expired object is known by its identity."""
    owner, other = session.get(Owner, 1), Owner(id=2)
    session.add(other)
    session.flush()
    session.expire_all()
    session.refresh(thing, ["owner_id"])
    thing.owner = owner
    assert not fields(thing)
    thing.owner = other
    assert fields(thing) == {"owner_id"}
    assert "id" not in inspect(other).dict
    state = inspect(thing)
    assert new_foreign_keys(state, mapper_info(state.mapper)) == {"owner_id": 2}


def test_foreign_keys_that_are_set_by_a_relationship(session, thing):
    """The foreign key is None for no object, or an expression if only the flush knows the key."""

    def keys():
        return new_foreign_keys(inspect(thing), mapper_info(inspect(thing).mapper))

    thing.owner = thing.owner
    assert keys() == {}
    thing.owner = None
    assert keys() == {"owner_id": None}
    thing.owner = Owner()
    assert is_expression(keys()["owner_id"])


def test_expressions_are_changes(thing):
    """An expression is a change, whatever its value will be."""
    thing.x = Thing.x + 0
    assert fields(thing) == {"x"}


def test_deleted_attribute(thing):
    """An attribute that is deleted becomes NULL, which is a change."""
    del thing.owner_id
    assert fields(thing) == {"owner_id"}


def test_unloaded_foreign_key(session, thing):
    """A foreign key that was not loaded is a change, because its unknown value may differ."""
    session.expire(thing)
    thing.owner = Owner(id=3)
    assert "owner_id" in fields(thing)


def test_a_many_to_one_with_a_list(recorded):
    """With `uselist=True`, the last member is the object that the row refers to."""

    class Own(DeclarativeBase):
        pass

    class Parent(Own):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Child(Own):
        __tablename__ = "child"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("parent.id"))
        parents: Mapped[list[Parent]] = relationship(uselist=True)

    recorded.listen(post_save, sender=Child)
    engine = create_engine("sqlite://")
    Own.metadata.create_all(engine)
    with Session(engine) as session:
        child = Child(parents=[Parent(id=1)])
        session.add(child)
        session.flush()
        assert child.parent_id == 1
        child.parents = [Parent(id=2)]
        session.flush()
        child.parents = []
        session.commit()
        assert child.parent_id is None
    assert [each["update_fields"] for each in recorded.take()] == [
        None,
        {"parent_id"},
        {"parent_id"},
    ]
    engine.dispose()
