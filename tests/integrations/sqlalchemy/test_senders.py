"""Senders that are text or relationships, and senders that are refused."""

from typing import Any

import pytest
from sqlalchemy import Column, Integer, Table
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.declarative import AbstractConcreteBase
from sqlalchemy.orm import DeclarativeBase, Mapped, declarative_base, mapped_column

from clarion import receiver
from clarion.errors import SenderError
from clarion.integrations.sqlalchemy import (
    connection_created,
    m2m_changed,
    post_bulk_insert,
    post_delete,
    post_init,
    post_save,
    pre_save,
)
from clarion.integrations.sqlalchemy.senders import class_count
from clarion.introspect import registrations
from tests.integrations.sqlalchemy.late import map_class, new_base
from tests.integrations.sqlalchemy.shop import Base, Book, Order, Tag, book_author


def nothing(**kwargs):
    pass


@pytest.mark.parametrize("text", ["Order", "tests.integrations.sqlalchemy.shop:Order"])
def test_text_names_a_mapped_class(session, recorded, text):
    """Text is the name of a class, or its module and its name."""
    recorded.listen(post_save, sender=text)
    session.add_all([Order(number="1"), Tag(name="t")])
    session.commit()
    assert recorded.names == [("post_save", "Order")]
    assert registrations(post_save)[-1].sender is Order


def test_another_module_is_another_class():
    """A class of the same name elsewhere does not send to it."""
    post_save.connect(nothing, sender="elsewhere:Elsewhere")
    map_class(new_base(), "Elsewhere")
    assert registrations(post_save)[-1].sender == "elsewhere:Elsewhere"


def test_several_classes_are_refused():
    """Text for several classes is refused; the error lists them, and says how to choose one."""
    kept = [map_class(new_base(), "Twin"), map_class(new_base(), "Twin")]
    with pytest.raises(SenderError, match=r"names several mapped classes: .*'module:Class'"):
        post_save.connect(nothing, sender="Twin")
    del kept


def test_a_class_that_cannot_be_mapped_is_left_out():
    """If the program has caught the error of a class, the others are configured and found as before."""
    base = new_base()
    table = Table("broken", base.metadata, Column("id", Integer, primary_key=True))
    body = {"__table__": table, "more": Column(Integer), "__module__": __name__}
    with pytest.raises(ArgumentError) as kept:  # the traceback keeps the class
        type("Broken", (base,), body)
    m2m_changed.connect(nothing)
    post_save.connect(nothing, sender="Found")
    found = map_class(base, "Found")
    base.registry.configure()
    assert registrations(post_save)[-1].sender is found
    del kept


def test_a_relationship_is_replaced_by_its_table():
    """A receiver that is connected to a relationship is disconnected by its table."""
    m2m_changed.connect(nothing, sender=Book.authors)
    assert registrations(m2m_changed)[-1].sender is book_author
    assert m2m_changed.disconnect(nothing, sender=book_author)


@pytest.mark.parametrize("attribute", [Order.customer, Order.number])
def test_other_attributes_are_refused(attribute):
    """Attributes without an association table are refused."""
    Base.registry.configure()
    with pytest.raises(SenderError, match="is no many-to-many relationship"):
        m2m_changed.connect(nothing, sender=attribute)


def test_receiver_of_several_signals(session):
    """The decorator takes text for a list of signals too."""

    @receiver([post_init, post_save], sender="Order")
    def receive(sender, instance, **kwargs):
        instance.note = "recorded"

    assert Order(number="1").note == "recorded"


@pytest.mark.parametrize("sender", ["", ":", "module:", 5, Order(), book_author, Book.authors])
def test_senders_that_never_save_are_refused(sender):
    """A sender that is never saved is refused, because its receiver would never be called."""
    with pytest.raises(SenderError, match=r"is not a class\. Give the class"):
        post_save.connect(nothing, sender=sender)
    assert registrations(post_save) == []


class OwnBase(DeclarativeBase):
    """A base whose classes are no others' business."""


class Mixin:
    """Maps nothing itself."""


class Named(OwnBase):
    """Has no table."""

    __abstract__ = True


class Company(OwnBase):
    """Has a table, and no instances."""

    __tablename__ = "company"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__: dict[str, Any] = {"polymorphic_on": "kind", "polymorphic_abstract": True}  # noqa: RUF012


class Vehicle(AbstractConcreteBase, OwnBase):
    """Has only subclasses with tables."""


class Car(Mixin, Vehicle):
    """Has a table."""

    __tablename__ = "car"
    id: Mapped[int] = mapped_column(primary_key=True)
    __mapper_args__: dict[str, Any] = {"polymorphic_identity": "car", "concrete": True}  # noqa: RUF012


@pytest.mark.parametrize(
    "sender",
    [Base, OwnBase, declarative_base(), Named, Company, Vehicle, Mixin, DeclarativeBase],
    ids=["base", "own", "old", "abstract", "polymorphic", "concrete", "mixin", "of all"],
)
@pytest.mark.parametrize("signal", [pre_save, post_save, post_delete, post_init, post_bulk_insert])
def test_a_base_without_a_table_is_refused(signal, sender):
    """A base without a table is refused, unless subclasses=True includes those that are saved."""
    with pytest.raises(SenderError, match=r"has no table.*subclasses=True, or to one of them"):
        signal.connect(nothing, sender=sender)
    assert registrations(signal) == []
    signal.connect(nothing, sender=sender, subclasses=True)
    assert signal.has_listeners(sender)


@pytest.mark.parametrize("sender", [Car, Order, int, type("Unmapped", (), {})])
def test_other_classes_are_accepted(sender):
    """Mapped classes, and those that may be mapped later, are accepted."""
    post_save.connect(nothing, sender=sender)
    assert post_save.has_listeners(sender)


@pytest.mark.parametrize("sender", ["sqlite3:Connection", 5])
def test_the_sender_of_connection_created_is_a_class(sender):
    """Text as the sender of connection_created is refused, because it would never be resolved."""
    with pytest.raises(SenderError, match="Give the class of the driver's connection"):
        connection_created.connect(nothing, sender=sender)


@pytest.mark.parametrize("sender", ["shop:Book", Book, 5])
def test_senders_without_members_are_refused(sender):
    """A class as the sender of m2m_changed is refused, because its table sends."""
    with pytest.raises(SenderError, match=r"has no members\. Give the rel"):
        m2m_changed.connect(nothing, sender=sender)
    assert registrations(m2m_changed) == []


def test_the_number_of_classes_grows_with_each():
    """A new class changes the number, so the cached names are read again."""
    base = new_base()
    before = class_count()
    kept = [map_class(base, "One"), map_class(base, "Two")]
    assert class_count() == before + len(kept)
