"""The attributes of a mapper."""

from sqlalchemy import Column, Integer, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from clarion.integrations.sqlalchemy.rows.mapper_info import (
    cascade_targets,
    mapper_info,
    primary_key,
)
from tests.integrations.sqlalchemy.shop import Book, Customer, Line, Node, Order, Tag


def test_attributes_are_sorted():
    """Columns and relationships, by what they mean to a flush."""
    order, book = mapper_info(inspect(Order)), mapper_info(inspect(Book))
    assert {*order.columns} == {"id", "number", "amount", "note", "customer_id"}
    assert {*order.many_to_one} == {"customer"}
    assert order.delete_orphan_keys == ["lines"]
    assert order.may_be_orphan
    assert mapper_info(inspect(Line)).may_be_orphan
    assert not mapper_info(inspect(Customer)).may_be_orphan
    assert {*book.many_to_many} == {"authors", "tags"}
    assert book.cascades == []
    assert mapper_info(inspect(Order)) is order


def test_attributes_added_later_are_included():
    """A mapper may get another column."""

    class Base(DeclarativeBase):
        pass

    class Grown(Base):
        __tablename__ = "grown"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert {*mapper_info(inspect(Grown)).columns} == {"id"}
    Grown.more = Column(Integer)
    assert {*mapper_info(inspect(Grown)).columns} == {"id", "more"}


def test_primary_keys(session):
    """A value for one column, a tuple for several, None without a key."""

    class Base(DeclarativeBase):
        pass

    class Pair(Base):
        __tablename__ = "pair"
        a: Mapped[int] = mapped_column(primary_key=True)
        b: Mapped[int] = mapped_column(primary_key=True)

    assert primary_key(inspect(Tag(id=3))) == 3
    assert primary_key(inspect(Tag())) is None
    assert primary_key(inspect(Pair(a=1, b=2))) == (1, 2)


def test_cascade_targets():
    """At any distance; the class itself only if it has children of its own class."""
    assert cascade_targets(inspect(Customer)) == {inspect(Order), inspect(Line)}
    assert cascade_targets(inspect(Node)) == {inspect(Node)}
    assert cascade_targets(inspect(Tag)) == set()
