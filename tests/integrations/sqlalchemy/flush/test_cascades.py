"""Which objects are deleted, in which order, and with which origin."""

import pytest
from sqlalchemy import ForeignKey
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from clarion import receiver
from clarion.integrations.sqlalchemy import post_delete, post_save, pre_delete, pre_save
from tests.integrations.sqlalchemy.shop import Customer, Line, Node, Order


def family(session):
    """Store a customer with two orders, the first of two lines."""
    lines = [Line(text="a"), Line(text="b")]
    orders = [Order(number="1", lines=lines), Order(number="2")]
    customer = Customer(name="c", orders=orders)
    session.add(customer)
    session.commit()
    return customer, *orders, *lines


def test_cascade_goes_children_first(session, recorded):
    """A cascade sends children first, before and after the flush; the deleted object is their origin."""
    customer, one, two, a, b = family(session)
    recorded.listen(pre_delete, post_delete)
    session.delete(customer)
    session.flush()
    order = [a, b, one, two, customer]
    calls = recorded.take()
    assert [named["instance"] for named in calls] == order + order
    assert all(named["origin"] is customer for named in calls)


def test_each_explicit_delete_is_an_origin(session, recorded):
    """An explicitly deleted object is its own origin, and that of objects to which only it cascades."""
    customer, one, two, a, b = family(session)
    recorded.listen(pre_delete)
    session.delete(two)
    session.delete(customer)
    session.flush()
    origins = {named["instance"]: named["origin"] for named in recorded.take()}
    assert origins == {two: two, a: customer, b: customer, one: customer, customer: customer}


def test_a_child_deleted_before_its_parent_is_its_own_origin(session, recorded):
    """A child deleted before its parent is its own origin, though the parent's delete cascades."""
    _, one, _, a, b = family(session)
    recorded.listen(pre_delete)
    session.delete(a)
    session.delete(one)
    session.flush()
    origins = [(named["instance"], named["origin"]) for named in recorded.take()]
    assert origins == [(a, a), (b, one), (one, one)]


def test_orphan_that_knows_its_parent(session, recorded):
    """An orphan that was removed from its collection is sent as deleted, with itself as origin."""
    customer, one, _, a, b = family(session)
    recorded.listen(pre_save, post_save, pre_delete, post_delete)
    customer.orders.remove(one)
    session.flush()
    assert [(name, named["instance"], named["origin"]) for name, _, named in recorded] == [
        (name, instance, one) for name in ("pre_delete", "post_delete") for instance in (a, b, one)
    ]


def test_orphan_that_does_not_know_its_parent(session, recorded):
    """An orphan of which only the parent's collection knows is sent as deleted."""
    _, one, _, a, _ = family(session)
    recorded.listen(pre_delete, post_delete)
    one.lines.remove(a)
    session.flush()
    assert [(name, named["instance"]) for name, _, named in recorded] == [
        ("pre_delete", a),
        ("post_delete", a),
    ]


def test_a_child_that_moves_is_no_orphan(session, recorded):
    """A child that moves to another parent is sent as updated."""
    customer, one, *_ = family(session)
    other = Customer(name="d")
    session.add(other)
    session.flush()
    recorded.listen(pre_save, post_save, pre_delete, post_delete)
    with session.no_autoflush:
        customer.orders.remove(one)
        other.orders.append(one)
    session.flush()
    assert recorded.names == [("pre_save", "Order"), ("post_save", "Order")]


def test_a_pending_orphan_sends_nothing(session, recorded):
    """An orphan that was never inserted sends no signal."""
    customer, *_ = family(session)
    recorded.listen(pre_save, post_save, pre_delete, post_delete, sender=Order)
    order = Order(number="3")
    customer.orders.append(order)
    customer.orders.remove(order)
    session.flush()
    assert recorded == []


def test_rescued_orphan_is_not_deleted(session, recorded):
    """If a receiver gives an orphan a parent, no post_delete follows."""
    customer, one, *_ = family(session)
    recorded.listen(post_delete, sender=Order)

    @receiver(pre_delete, sender=Order)
    def rescue(instance, **kwargs):
        instance.customer = customer

    customer.orders.remove(one)
    session.flush()
    assert recorded == []
    assert session.get(Order, one.id) is one


def test_self_referential_tree(session, recorded):
    """Children come before their parents within one class, too."""
    leaf = Node(name="leaf")
    root = Node(name="root", children=[Node(name="a", children=[leaf]), Node(name="b")])
    session.add(root)
    session.commit()
    recorded.listen(pre_delete, post_delete)
    session.delete(root)
    session.flush()
    calls = recorded.take()
    assert [named["instance"].name for named in calls] == ["leaf", "a", "b", "root"] * 2
    assert {id(named["origin"]) for named in calls} == {id(root)}


def test_nullified_foreign_keys_send_nothing(session, recorded):
    """Foreign keys that are set to NULL send nothing, as SET_NULL in Django."""
    parent = Node(name="p")
    followed = Order(number="1")
    session.add_all([parent, followed])
    session.commit()
    recorded.listen(pre_save, post_save)
    session.delete(parent)
    session.flush()
    assert recorded == []


def test_pre_delete_may_delete_more(session, recorded):
    """Objects that a receiver of pre_delete deletes are sent in another round of the same flush."""
    one, two = Node(name="1"), Node(name="2")
    session.add_all([one, two])
    session.commit()
    recorded.listen(pre_delete, post_delete)

    @receiver(pre_delete, sender=Node)
    def more(instance, **kwargs):
        if instance is one:
            session.delete(two)

    session.delete(one)
    session.flush()
    assert [(name, named["instance"]) for name, _, named in recorded] == [
        ("pre_delete", one),
        ("pre_delete", two),
        ("post_delete", one),
        ("post_delete", two),
    ]


def test_deleted_and_changed_is_only_deleted(session, recorded):
    """A deleted object with changes is not sent as saved."""
    node = Node(name="1")
    session.add(node)
    session.commit()
    recorded.listen(pre_save, post_save)
    node.name = "2"
    with session.no_autoflush:
        session.delete(node)
    session.commit()
    assert recorded == []


def test_a_child_that_is_added_again_is_kept(session, recorded):
    """A child that is added again is not deleted with its parent, and its change is sent as a save."""
    customer, one, two, *_ = family(session)
    recorded.listen(pre_save, post_save, pre_delete, post_delete, sender=Order)
    with session.no_autoflush:
        session.delete(customer)
        session.add(one)
        one.note = "kept"
    session.flush()
    assert [(name, named["instance"]) for name, _, named in recorded] == [
        ("pre_delete", two),
        ("pre_save", one),
        ("post_delete", two),
        ("post_save", one),
    ]


def test_a_child_added_after_the_delete_stays(session, recorded):
    """A child that is added after `delete()` has cascaded is not deleted."""
    customer, *_ = family(session)
    late = Order(number="late")
    session.add(late)
    session.flush()
    recorded.listen(pre_delete, post_delete, sender=Order)
    with session.no_autoflush:
        session.delete(customer)
        customer.orders.append(late)
    session.flush()
    assert late not in [named["instance"] for named in recorded.take()]
    assert session.get(Order, late.id) is late


def test_a_child_removed_from_a_deleted_parent_is_deleted(session, recorded):
    """A child removed from a deleted parent is sent as an orphan, once and before the parent."""
    _, one, _, a, b = family(session)
    recorded.listen(pre_delete, post_delete)
    with session.no_autoflush:
        one.lines.remove(a)
        session.delete(one)
    session.flush()
    calls = recorded.take()
    assert [named["instance"] for named in calls] == [a, b, one] * 2
    assert [named["origin"] for named in calls] == [a, one, one] * 2


def test_a_stale_member_is_not_deleted_again(session, recorded):
    """A member that an earlier flush deleted is not sent again, though a collection still has it."""
    customer, one, two, *_ = family(session)
    assert one in customer.orders
    session.delete(one)
    session.flush()
    recorded.listen(pre_delete, post_delete, sender=Order)
    session.delete(customer)
    with pytest.warns(SAWarning, match="expected to delete 2 row"):
        session.flush()
    assert [(name, named["instance"]) for name, _, named in recorded] == [
        ("pre_delete", two),
        ("post_delete", two),
    ]


def test_a_rolled_back_delete_is_sent_again(session, recorded):
    """A delete is sent again after a rollback has restored the object."""
    customer, *_ = family(session)
    recorded.listen(pre_delete, post_delete, sender=Customer)
    for end in (session.rollback, session.commit):
        session.delete(customer)
        session.flush()
        end()
    assert recorded.names == [("pre_delete", "Customer"), ("post_delete", "Customer")] * 2


def test_a_delete_cancelled_in_pre_delete_is_not_sent(session, recorded):
    """An object that another's receiver adds again is not sent as deleted, and may be saved."""
    one, two = Node(name="1"), Node(name="2")
    session.add_all([one, two])
    session.commit()

    @receiver(pre_delete, sender=Node)
    def keep(instance, **kwargs):
        if instance is one:
            session.add(two)
            two.name = "kept"

    recorded.listen(pre_save, post_save, pre_delete, post_delete)
    with session.no_autoflush:
        session.delete(one)
        session.delete(two)
    session.flush()
    assert [(name, named["instance"]) for name, _, named in recorded] == [
        ("pre_delete", one),
        ("pre_save", two),
        ("post_delete", one),
        ("post_save", two),
    ]


def test_deleted_and_added_again_in_pre_save(session, recorded):
    """An object that receivers delete and add again is saved, with both signals."""
    order, tag = Order(number="1"), Node(name="n")
    session.add_all([order, tag])
    session.commit()

    @receiver(pre_save, sender=Node)
    def waver(instance, **kwargs):
        session.delete(order)

    @receiver(pre_delete, sender=Order)
    def keep(instance, **kwargs):
        session.add(order)

    recorded.listen(pre_save, post_save, post_delete)
    tag.name = "m"
    order.number = "2"
    session.flush()
    assert recorded.names == [
        ("pre_save", "Node"),
        ("pre_save", "Order"),
        ("post_save", "Node"),
        ("post_save", "Order"),
    ]


def test_a_many_to_one_cascade(engine, kind, recorded):
    """A many-to-one relationship with a delete cascade deletes the other object."""

    class Own(DeclarativeBase):
        pass

    class Address(Own):
        __tablename__ = "address"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Person(Own):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        address_id: Mapped[int | None] = mapped_column(ForeignKey(Address.id))
        address: Mapped[Address | None] = relationship(
            cascade="all, delete-orphan", single_parent=True
        )

    Own.metadata.create_all(engine)
    with kind(engine) as session:
        person, other = Person(address=Address()), Person(address=Address())
        session.add_all([person, other])
        session.commit()
        recorded.listen(pre_delete, post_delete)
        session.delete(person)
        session.flush()
        assert {named["origin"] for _, _, named in recorded} == {person}
        assert recorded.names == [
            (name, each) for name in ("pre_delete", "post_delete") for each in ("Address", "Person")
        ]
        other.address = None
        session.flush()
        assert recorded.names == [("pre_delete", "Address"), ("post_delete", "Address")]
