"""The models of these tests: a shop for books, with every kind of mapping."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table, func, select
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    WriteOnlyMapped,
    mapped_column,
    relationship,
)


class Base(AsyncAttrs, DeclarativeBase):
    """The base of all models."""

    type_annotation_map = {str: String(50)}  # noqa: RUF012  # MariaDB wants to know the length


def association(name: str, one: str, other: str) -> Table:
    """Make an association table of two tables."""
    left, right = (one, other) if one != other else (f"from_{one}", f"to_{other}")
    return Table(
        name,
        Base.metadata,
        Column(f"{left}_id", ForeignKey(f"{one}.id"), primary_key=True),
        Column(f"{right}_id", ForeignKey(f"{other}.id"), primary_key=True),
    )


book_author = association("book_author", "book", "author")
book_tag = association("book_tag", "book", "tag")
shelf_book = association("shelf_book", "shelf", "book")
node_node = association("node_node", "node", "node")


def count(session, class_):
    """Return the number of rows of a class."""
    return session.scalar(select(func.count()).select_from(class_))


class Customer(Base):
    """A parent whose children are deleted with it."""

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    orders: Mapped[list[Order]] = relationship(
        back_populates="customer", cascade="all, delete-orphan", order_by="Order.id"
    )


class Order(Base):
    """A child, and a parent itself."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    amount: Mapped[int] = mapped_column(default=0)
    note: Mapped[str | None]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    customer: Mapped[Customer | None] = relationship(back_populates="orders")
    lines: Mapped[list[Line]] = relationship(cascade="all, delete-orphan", order_by="Line.id")


class Line(Base):
    """A grandchild without a reference to its parent."""

    __tablename__ = "line"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))


class Book(Base):
    """It has authors, with a reference back, and tags, without one."""

    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    authors: Mapped[list[Author]] = relationship(secondary=book_author, back_populates="books")
    tags: Mapped[set[Tag]] = relationship(secondary=book_tag)


class Author(Base):
    """The other side of a many-to-many relationship."""

    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship(secondary=book_author, back_populates="authors")


class Tag(Base):
    """It has no reference to its books."""

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Shelf(Base):
    """It has too many books to load them."""

    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    books: WriteOnlyMapped[Book] = relationship(secondary=shelf_book)


class Node(Base):
    """A tree, and a graph."""

    __tablename__ = "node"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
    children: Mapped[list[Node]] = relationship(cascade="all", back_populates="parent")
    parent: Mapped[Node | None] = relationship(
        remote_side=lambda: Node.id, back_populates="children"
    )
    following: Mapped[list[Node]] = relationship(
        secondary=node_node,
        primaryjoin=lambda: Node.id == node_node.c.from_node_id,
        secondaryjoin=lambda: Node.id == node_node.c.to_node_id,
        back_populates="followers",
    )
    followers: Mapped[list[Node]] = relationship(
        secondary=node_node,
        primaryjoin=lambda: Node.id == node_node.c.to_node_id,
        secondaryjoin=lambda: Node.id == node_node.c.from_node_id,
        back_populates="following",
    )


class Animal(Base):
    """A base of joined-table inheritance, and of single-table inheritance."""

    __tablename__ = "animal"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]


class Dog(Animal):
    """It has its own table beside that of the base."""

    __tablename__ = "dog"
    __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    breed: Mapped[str]


class Cat(Animal):
    """It is stored in the table of the base."""

    __mapper_args__ = {"polymorphic_identity": "cat"}  # noqa: RUF012


class Machine(Base):
    """A base of concrete-table inheritance."""

    __tablename__ = "machine"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Robot(Machine):
    """It has its own table instead of that of the base."""

    __tablename__ = "robot"
    __mapper_args__ = {"concrete": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
