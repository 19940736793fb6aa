"""Detached copies of committed instances."""

import pytest
from sqlalchemy import inspect
from sqlalchemy.orm.exc import DetachedInstanceError

from clarion.integrations.sqlalchemy.commit.snapshots import Snapshots, detached, is_mapped
from tests.integrations.sqlalchemy.shop import Customer, Dog, Order


@pytest.fixture
def order(session):
    customer = Customer(name="c")
    order = Order(number="1", customer=customer)
    session.add(order)
    session.flush()
    return order


def test_a_copy_has_the_loaded_values(order):
    """Its key, its columns and attributes set by the program; it is in no session."""
    order.requested_by = "me"
    copied = detached(inspect(order), {})
    assert type(copied) is Order
    assert (copied.id, copied.number, copied.customer_id) == (order.id, "1", order.customer_id)
    assert vars(copied)["requested_by"] == "me"
    assert inspect(copied).detached
    assert inspect(copied).identity_key == inspect(order).identity_key


def test_relationships_are_not_copied(order):
    """Reading one raises, because it would need another session."""
    copied = detached(inspect(order), {})
    assert "customer" not in copied.__dict__
    with pytest.raises(DetachedInstanceError):
        copied.customer  # noqa: B018


def test_a_copy_of_an_expired_instance_has_the_key(session, order):
    """Values that are not loaded are missing."""
    key = order.id
    session.expire(order)
    copied = detached(inspect(order), {})
    assert copied.id == key
    with pytest.raises(DetachedInstanceError):
        copied.number  # noqa: B018


def test_a_copy_can_be_added_to_another_session(session, engine, order):
    """The session updates its row with the changes."""
    copied = detached(inspect(order), {})
    session.commit()
    with type(session)(engine) as other:
        other.add(copied)
        copied.number = "2"
        assert copied.customer.name == "c"
        other.commit()
    session.refresh(order)
    assert order.number == "2"


def test_inherited_columns_are_there(session):
    """Those of the base's table and of its own."""
    dog = Dog(name="d", breed="b")
    session.add(dog)
    session.flush()
    copied = detached(inspect(dog), {})
    assert (copied.name, copied.breed) == ("d", "b")


def test_one_object_by_two_names_is_one_copy(session, order):
    """Instances of other sessions are not copied."""
    stranger, plain = Order(number="2"), object()
    named = {"instance": order, "origin": order, "stranger": stranger, "plain": plain}
    snapshots = Snapshots(session, named)
    taken = snapshots.copy_into(named)
    assert taken["instance"] is taken["origin"] is not order
    assert taken["stranger"] is stranger
    assert taken["plain"] is plain
    assert snapshots.persistent == [taken["instance"]]


def test_values_loaded_at_the_send_are_kept(session, order):
    """A value that is loaded at the commit replaces them."""
    snapshots = Snapshots(session, {"instance": order})
    session.expire(order)
    assert snapshots.copy_into({"instance": order})["instance"].number == "1"
    snapshots = Snapshots(session, {"instance": order})
    order.number = "2"
    assert snapshots.copy_into({"instance": order})["instance"].number == "2"


def test_a_deleted_instance_is_not_persistent(session, order):
    """Its copy must not be added to a session."""
    session.delete(order)
    session.flush()
    snapshots = Snapshots(session, {"instance": order})
    assert snapshots.copy_into({"instance": order})["instance"].number == "1"
    assert snapshots.persistent == []


def test_mapped_instances_are_recognized(order):
    """By their state."""
    assert is_mapped(order)
    assert not is_mapped(Order)
    assert not is_mapped(None)
