"""Detached copies of committed instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import JSON, create_engine, event, inspect, update
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, composite, mapped_column, reconstructor
from sqlalchemy.orm.exc import DetachedInstanceError

from clarion import on_commit, receiver
from clarion.integrations.sqlalchemy import post_save, pre_save
from clarion.integrations.sqlalchemy.commit.snapshots import CommittedRow, Snapshots, is_mapped
from tests.integrations.sqlalchemy.shop import Customer, Dog, Order


@dataclass
class Place:
    """A value of two columns."""

    x: int
    y: int


@pytest.fixture
def order(session):
    customer = Customer(name="c")
    order = Order(number="1", customer=customer)
    session.add(order)
    session.flush()
    return order


def copy_of(instance):
    """Return a copy with the values that the instance has now."""
    state = inspect(instance)
    return CommittedRow(state, {}, state.dict, state.key, is_deleted=False).copy()


def test_a_copy_has_the_loaded_values(order):
    """A copy has its key, its columns and attributes of the program, and is in no session."""
    order.requested_by = "me"
    copied = copy_of(order)
    assert type(copied) is Order
    assert (copied.id, copied.number, copied.customer_id) == (order.id, "1", order.customer_id)
    assert vars(copied)["requested_by"] == "me"
    assert inspect(copied).detached
    assert inspect(copied).identity_key == inspect(order).identity_key


def test_relationships_are_not_copied(order):
    """Reading a relationship of a copy raises, because it would need another session."""
    copied = copy_of(order)
    assert "customer" not in copied.__dict__
    with pytest.raises(DetachedInstanceError):
        copied.customer  # noqa: B018


def test_a_copy_of_an_expired_instance_has_the_key(session, order):
    """A copy of an expired instance has the key, and no values that are not loaded."""
    key = order.id
    session.expire(order)
    copied = copy_of(order)
    assert copied.id == key
    with pytest.raises(DetachedInstanceError):
        copied.number  # noqa: B018


def test_a_copy_can_be_added_to_another_session(session, engine, order):
    """A session to which a copy is added updates its row with the changes."""
    copied = copy_of(order)
    session.commit()
    with type(session)(engine) as other:
        other.add(copied)
        copied.number = "2"
        assert copied.customer.name == "c"
        other.commit()
    session.refresh(order)
    assert order.number == "2"


def test_inherited_columns_are_there(session):
    """The copy has the columns of the base's table and of its own."""
    dog = Dog(name="d", breed="b")
    session.add(dog)
    session.flush()
    copied = copy_of(dog)
    assert (copied.name, copied.breed) == ("d", "b")


def test_one_object_by_two_names_is_one_copy(session, order):
    """One object under two keywords is one copy, and instances of other sessions are not copied."""
    stranger, plain = Order(number="2"), object()
    named = {"instance": order, "origin": order, "stranger": stranger, "plain": plain}
    snapshots = Snapshots(session, named)
    snapshots.keep()
    taken = snapshots.copy_into(named)
    assert taken["instance"] is taken["origin"] is not order
    assert taken["stranger"] is stranger
    assert taken["plain"] is plain
    assert snapshots.persistent == [taken["instance"]]


def test_a_deleted_instance_is_not_persistent(session, order):
    """The copy of a deleted instance is not persistent, so it is not added to a session."""
    session.delete(order)
    session.flush()
    snapshots = Snapshots(session, {"instance": order})
    snapshots.keep()
    assert snapshots.copy_into({"instance": order})["instance"].number == "1"
    assert snapshots.persistent == []


def test_mapped_instances_are_recognized(order):
    """A mapped instance is recognized by its state."""
    assert is_mapped(order)
    assert not is_mapped(Order)
    assert not is_mapped(None)


class Own(DeclarativeBase):
    """Values that can be changed in place."""


class Doc(Own):
    __tablename__ = "doc"
    id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    plain: Mapped[Any] = mapped_column(JSON, default=list)
    amount: Mapped[int] = mapped_column(default=0)
    x: Mapped[int] = mapped_column(default=0)
    y: Mapped[int] = mapped_column(default=0)
    place: Mapped[Place] = composite(Place, "x", "y")

    @reconstructor
    def wake(self):
        self.is_awake = True


@pytest.fixture
def docs(kind):
    """A session that does not expire its instances."""
    engine = create_engine("sqlite://")
    Own.metadata.create_all(engine)
    with kind(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


def after_commit(function):
    post_save.connect(function, sender=Doc, delivery=on_commit, weak=False)


def test_a_copy_shares_nothing(docs):
    """A change of the copy in place does not change the instance."""

    def change(instance, **kwargs):
        instance.plain[0]["deep"].append("receiver")
        instance.data["receiver"] = 1
        instance.place.x = 7
        assert instance.is_awake

    after_commit(change)
    doc = Doc(data={"a": 1}, plain=[{"deep": []}], place=Place(1, 2))
    docs.add(doc)
    docs.commit()
    assert (doc.plain, doc.data, (doc.x, doc.place.x)) == ([{"deep": []}], {"a": 1}, (1, 1))
    assert doc not in docs.dirty


def test_a_receiver_changes_values_in_place(docs):
    """A receiver's session stores values that it changes in place."""

    def change(instance, session, created, **kwargs):
        if created:
            instance.data["paid"] = True
            instance.place = Place(5, 6)

    after_commit(change)
    doc = Doc(data={"a": 1}, place=Place(1, 2))
    docs.add(doc)
    docs.commit()
    docs.expire_all()
    assert (doc.data, doc.x, doc.y) == ({"a": 1, "paid": True}, 5, 6)


@pytest.mark.parametrize("synchronize", ["auto", "fetch", False])
@pytest.mark.parametrize("signal", [pre_save, post_save])
def test_values_are_those_of_the_commit(docs, signal, synchronize):
    """A copy has no expression, and no value that a later statement has replaced."""
    found = []
    doc = Doc(amount=1)
    docs.add(doc)
    docs.commit()

    @receiver(signal, sender=Doc, delivery=on_commit)
    def look(instance, **kwargs):
        found.append(instance.amount)

    doc.amount = Doc.amount + 41
    docs.commit()
    assert found == [42]
    doc.amount = 2
    docs.flush()
    docs.execute(
        update(Doc).values(amount=Doc.amount + 1),
        execution_options={"synchronize_session": synchronize},
    )
    if not synchronize:
        docs.expire(doc)
    docs.commit()
    assert found == [42, 3]
    doc.amount = 9
    docs.flush()
    docs.expire_all()
    docs.commit()
    assert found == [42, 3, 9]


def test_a_listener_that_fails_on_a_copy(docs, caplog):
    """If a listener fails on a copy, the receiver gets the copy, and the failure is logged."""
    found = []
    after_commit(lambda instance, **kwargs: found.append(instance.amount))

    def fail(instance, context):
        raise ValueError

    event.listen(Doc, "load", fail)
    try:
        docs.add(Doc(amount=3))
        docs.commit()
    finally:
        event.remove(Doc, "load", fail)
    assert found == [3]
    assert "A listener of 'load' failed" in caplog.text


def test_merged_sends_of_one_row(docs):
    """Merged sends of one row have one copy, which is in the receiver's session."""
    found = []

    @receiver(post_save, sender=Doc, delivery=on_commit(coalesce="sender"))
    def change(sends, session, **kwargs):
        found.append([each["instance"].id for each in sends if each["instance"] in session])
        for each in sends:
            each["instance"].amount = 7

    one = Doc()
    docs.add_all([one, Doc()])
    docs.flush()
    one.plain = [1]
    docs.flush()
    post_save.disconnect(change, sender=Doc)  # the changes of the receiver are saves too
    docs.commit()
    docs.expire_all()
    assert found == [[1, 2, 1]]
    assert [each.amount for each in docs.query(Doc)] == [7, 7]
