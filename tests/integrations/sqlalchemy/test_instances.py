"""pre_init and post_init, for every kind of mapping."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Column, Integer, String, Table, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    mapped_column,
    registry,
)

from clarion import receiver
from clarion.integrations.sqlalchemy import instances, post_init, pre_init
from tests.integrations.sqlalchemy.shop import Animal, Book, Cat, Dog, Order, Tag


class Calls(list[tuple[Any, ...]]):
    def listen(self, sender=None, **options):
        def before(sender, args, kwargs):
            self.append(("pre_init", sender.__name__, args, dict(kwargs)))

        def after(sender, instance):
            self.append(("post_init", sender.__name__, instance))

        pre_init.connect(before, sender=sender, **options)
        post_init.connect(after, sender=sender, **options)

    def take(self):
        found = list(self)
        self.clear()
        return found


@pytest.fixture
def calls():
    return Calls()


def test_an_instance_is_sent_before_and_after(calls):
    """pre_init has the arguments of the class, and post_init has the instance."""
    calls.listen(sender=Tag)
    tag = Tag(name="t")
    Order(number="1")
    assert calls == [("pre_init", "Tag", (), {"name": "t"}), ("post_init", "Tag", tag)]


def test_keywords_can_be_changed():
    """A receiver of pre_init may add, replace and remove keywords."""

    @receiver(pre_init, sender=Order)
    def change(kwargs, **named):
        kwargs["note"] = "added"
        kwargs["number"] = kwargs.pop("amount")

    order: Any = Order(number="1", amount=3)
    assert (order.number, order.note, order.amount) == (3, "added", None)


def test_rows_are_sent_when_they_are_loaded(session, calls):
    """Loading sends once for each object that a session makes, and a refresh sends nothing."""
    session.add(Tag(name="t"))
    session.commit()
    session.expunge_all()
    calls.listen(sender=Tag)
    tag = session.scalars(select(Tag)).one()
    session.scalars(select(Tag)).one()
    session.refresh(tag)
    session.expire(tag)
    assert tag.name == "t"
    assert calls == [("pre_init", "Tag", (), {}), ("post_init", "Tag", tag)]


def test_attributes_of_a_row_are_there(session):
    """A receiver of post_init may read and set them."""
    session.add(Tag(name="t"))
    session.commit()
    session.expunge_all()

    @receiver(post_init, sender=Tag)
    def mark(instance, **kwargs):
        instance.mark = instance.name + "!"

    assert session.scalars(select(Tag)).one().mark == "t!"


def test_subclasses_send_with_subclasses_true(calls):
    """The sender is the exact class; without the option only that class sends."""
    calls.listen(sender=Animal)
    Dog(name="d", breed="b")
    Animal(name="a")
    assert [sender for _, sender, *_ in calls.take()] == ["Animal", "Animal"]
    calls.listen(sender=Animal, subclasses=True)
    calls.listen(sender=Cat)
    calls.clear()
    Dog(name="d", breed="b")
    assert [sender for _, sender, *_ in calls.take()] == ["Dog", "Dog"]
    Cat(name="c")
    assert [sender for _, sender, *_ in calls.take()] == ["Cat"] * 4


def test_a_class_with_its_own_init(calls):
    """A class with its own `__init__` sends its own keywords, once if it calls the base's."""

    class Base(DeclarativeBase):
        pass

    class One(Base):
        __tablename__ = "one"
        id: Mapped[int] = mapped_column(primary_key=True)

        def __init__(self, number, *, extra=0):
            super().__init__(id=number + extra)

    class Two(One):
        def __init__(self, number):
            super().__init__(number, extra=1)

    calls.listen(sender=One, subclasses=True)
    one, two = One(1, extra=2), Two(5)
    assert (one.id, two.id) == (3, 6)
    assert [each[:2] for each in calls] == [
        ("pre_init", "One"),
        ("post_init", "One"),
        ("pre_init", "Two"),
        ("post_init", "Two"),
    ]


def test_classes_that_are_mapped_later(engine, calls):
    """Each instance of a class that is mapped later, at any depth, is sent once."""

    class Base(DeclarativeBase):
        pass

    class First(Base):
        __tablename__ = "first"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "1"}  # noqa: RUF012
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]

    calls.listen(sender=First, subclasses=True)

    class Second(First):
        __mapper_args__ = {"polymorphic_identity": "2"}  # noqa: RUF012

    class Third(Second):
        __mapper_args__ = {"polymorphic_identity": "3"}  # noqa: RUF012

    Base.metadata.create_all(engine)
    expected = [("pre_init", "Third"), ("post_init", "Third")]
    with Session(engine) as session:
        session.add(Third())
        session.commit()
        assert [each[:2] for each in calls.take()] == expected
        session.expunge_all()
        session.scalars(select(First)).one()
        assert [each[:2] for each in calls.take()] == expected


def test_dataclasses(engine, calls):
    """For a dataclass, values that SQLAlchemy adds for omitted fields are not sent."""

    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Point(Base):
        __tablename__ = "point"
        id: Mapped[int] = mapped_column(init=False, primary_key=True)
        x: Mapped[int]
        y: Mapped[int] = mapped_column(default=5)

    calls.listen(sender=Point)
    point = Point(x=1)
    assert (point.x, point.y) == (1, 5)
    (_, _, args, kwargs), after = calls
    assert "DONT_SET" not in repr((args, kwargs))
    assert after == ("post_init", "Point", point)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(point)
        session.commit()
        assert point.y == 5


def test_imperative_mappings(engine, calls):
    """A plain dataclass that is mapped afterwards sends."""
    mapping = registry()

    @dataclass
    class Plain:
        name: str
        id: int | None = field(default=None)

    calls.listen(sender="Plain")
    columns = Column("id", Integer, primary_key=True), Column("name", String(9))
    mapping.map_imperatively(Plain, Table("plain", mapping.metadata, *columns))
    mapping.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Plain("p"))
        session.commit()
    assert [name for name, *_ in calls] == ["pre_init", "post_init"]


def test_any_sender(calls):
    """A receiver for any sender gets each instance once, of a class with its own receivers, too."""
    calls.listen(sender=Tag)
    calls.listen()
    Tag(name="t")
    Order(number="1")
    assert [sender for _, sender, *_ in calls] == ["Tag"] * 4 + ["Order"] * 2


def test_connecting_in_receivers(session, calls):
    """A connect in a receiver takes effect for an instance that is being made, or loaded."""
    session.add(Tag(name="t"))
    session.commit()
    session.expunge_all()
    pre_init.connect(lambda **kwargs: calls.listen(), sender=Order, once=True)
    post_init.connect(lambda **kwargs: calls.listen(sender=Tag), sender=Tag, once=True)
    Order(number="1")
    calls.clear()
    session.scalars(select(Tag)).all()
    Tag(name="u")
    assert [each[:2] for each in calls][-4:] == [
        ("pre_init", "Tag"),
        ("pre_init", "Tag"),
        ("post_init", "Tag"),
        ("post_init", "Tag"),
    ]


def test_listeners_of_a_class_are_attached_once(monkeypatch):
    """Listeners of a class are attached once, and more only when its subclasses are included."""

    class Base(DeclarativeBase):
        pass

    class Watched(Base):
        __tablename__ = "watched"
        id: Mapped[int] = mapped_column(primary_key=True)

    # Another test may have attached the listeners of every class.
    monkeypatch.setattr(instances, "_every_class", [])
    given = [
        instances.new_listeners(Watched, subclasses=subclasses)
        for subclasses in (False, False, True, True)
    ]
    assert [each is not None for each in given] == [True, False, True, False]


def test_an_instance_sends_once():
    """An instance sends once, even if listeners of its class and of its subclasses are attached."""
    found = []
    for subclasses in (False, True):
        post_init.connect(lambda **kwargs: None, sender=Book, subclasses=subclasses)
    post_init.connect(lambda **kwargs: found.append(kwargs), sender=Book)
    Book()
    assert len(found) == 1
