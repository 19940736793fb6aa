"""The attributes of a mapper."""

import gc
import weakref

from sqlalchemy import Column, ForeignKey, Integer, Table, create_engine, inspect, literal, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry, relationship

from clarion import on_commit
from clarion.integrations.sqlalchemy import m2m_changed, post_save, pre_init
from clarion.integrations.sqlalchemy.rows.mapper_info import (
    cascade_targets,
    mapper_info,
    primary_key,
)
from tests.integrations.sqlalchemy.shop import Book, Customer, Line, Node, Order, Tag


def test_attributes_are_sorted():
    """Columns and relationships are sorted by what they mean to a flush."""
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
    """A column that is added to a mapper later is included."""

    class Base(DeclarativeBase):
        pass

    class Grown(Base):
        __tablename__ = "grown"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert {*mapper_info(inspect(Grown)).columns} == {"id"}
    Grown.more = Column(Integer)
    assert {*mapper_info(inspect(Grown)).columns} == {"id", "more"}


def test_primary_keys(session):
    """A primary key is a value, a tuple for several columns, or None."""

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
    """The targets of a cascade are found at any distance, and a class itself if it has own children."""
    assert cascade_targets(inspect(Customer)) == {inspect(Order), inspect(Line)}
    assert cascade_targets(inspect(Node)) == {inspect(Node)}
    assert cascade_targets(inspect(Tag)) == set()


def test_mapped_classes_are_collected():
    """Receivers of saves, relationships and instances keep no class alive that the program dropped."""
    for signal in (post_save, m2m_changed, pre_init):
        signal.connect(lambda **kwargs: None)
    post_save.connect(lambda changes, **kwargs: None, delivery=on_commit)

    def use_a_class():
        own = registry()
        made = type("Passing", (), {})
        table = Table("passing", own.metadata, Column("id", Integer, primary_key=True))
        pairs = Table(
            "pairs",
            own.metadata,
            Column("one_id", ForeignKey("passing.id")),
            Column("other_id", ForeignKey("passing.id")),
        )
        own.map_imperatively(
            made,
            table,
            properties={
                "others": relationship(
                    made,
                    secondary=pairs,
                    primaryjoin=table.c.id == pairs.c.one_id,
                    secondaryjoin=table.c.id == pairs.c.other_id,
                )
            },
        )
        engine = create_engine("sqlite://")
        own.metadata.create_all(engine)
        with Session(engine) as session:
            one = made()
            one.others = [made()]
            session.add(one)
            del one
            session.commit()
        engine.dispose()
        own.dispose()
        return weakref.ref(made)

    found = [use_a_class() for _ in range(4)]
    gc.collect()
    assert sum(each() is not None for each in found) <= 1


def test_a_discriminator_outside_of_the_table():
    """`polymorphic_on` may be a column of a select, which has no attribute."""

    class Base(DeclarativeBase):
        pass

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)

    own = registry()
    table = Thing.__table__
    both = select(table, literal("kind").label("type")).subquery()
    made = type("Kind", (), {})
    own.map_imperatively(
        made,
        table,
        with_polymorphic=("*", both),
        polymorphic_on=both.c.type,
        polymorphic_identity="kind",
    )
    saved = []
    post_save.connect(lambda instance, **kwargs: saved.append(instance), sender=made)
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        one = made()
        session.add(one)
        session.commit()
    assert saved == [one]
    engine.dispose()
