"""What is deleted, in which order, and because of what."""

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


def test_cascade_goes_children_first(session, heard):
    """Before and after, and the origin of all is what was deleted."""
    customer, one, two, a, b = family(session)
    heard.listen(pre_delete, post_delete)
    session.delete(customer)
    session.flush()
    order = [a, b, one, two, customer]
    told = heard.take()
    assert [named["instance"] for named in told] == order + order
    assert all(named["origin"] is customer for named in told)


def test_each_explicit_delete_is_an_origin(session, heard):
    """Its own, and that of what only it takes along."""
    customer, one, two, a, b = family(session)
    heard.listen(pre_delete)
    session.delete(two)
    session.delete(customer)
    session.flush()
    origins = {named["instance"]: named["origin"] for named in heard.take()}
    assert origins == {two: two, a: customer, b: customer, one: customer, customer: customer}


def test_orphan_that_knows_its_parent(session, heard):
    """Taken out of its collection, it is deleted and not updated; it is its own origin."""
    customer, one, _, a, b = family(session)
    heard.listen(pre_save, post_save, pre_delete, post_delete)
    customer.orders.remove(one)
    session.flush()
    assert [(name, named["instance"], named["origin"]) for name, _, named in heard] == [
        (name, instance, one) for name in ("pre_delete", "post_delete") for instance in (a, b, one)
    ]


def test_orphan_that_does_not_know_its_parent(session, heard):
    """Only the collection that it was taken out of has changed."""
    _, one, _, a, _ = family(session)
    heard.listen(pre_delete, post_delete)
    one.lines.remove(a)
    session.flush()
    assert [(name, named["instance"]) for name, _, named in heard] == [
        ("pre_delete", a),
        ("post_delete", a),
    ]


def test_orphan_that_moves_is_none(session, heard):
    """With another parent it is updated."""
    customer, one, *_ = family(session)
    other = Customer(name="d")
    session.add(other)
    session.flush()
    heard.listen(pre_save, post_save, pre_delete, post_delete)
    with session.no_autoflush:
        customer.orders.remove(one)
        other.orders.append(one)
    session.flush()
    assert heard.names == [("pre_save", "Order"), ("post_save", "Order")]


def test_pending_orphan_is_nothing(session, heard):
    """It was never written, and never will be."""
    customer, *_ = family(session)
    heard.listen(pre_save, post_save, pre_delete, post_delete, sender=Order)
    order = Order(number="3")
    customer.orders.append(order)
    customer.orders.remove(order)
    session.flush()
    assert heard == []


def test_rescued_orphan_is_not_deleted(session, heard):
    """A receiver that finds it a parent keeps it, and no post_delete follows."""
    customer, one, *_ = family(session)
    heard.listen(post_delete, sender=Order)

    @receiver(pre_delete, sender=Order)
    def rescue(instance, **kwargs):
        instance.customer = customer

    customer.orders.remove(one)
    session.flush()
    assert heard == []
    assert session.get(Order, one.id) is one


def test_self_referential_tree(session, heard):
    """Children come before their parents within one class, too."""
    leaf = Node(name="leaf")
    root = Node(name="root", children=[Node(name="a", children=[leaf]), Node(name="b")])
    session.add(root)
    session.commit()
    heard.listen(pre_delete, post_delete)
    session.delete(root)
    session.flush()
    told = heard.take()
    assert [named["instance"].name for named in told] == ["leaf", "a", "b", "root"] * 2
    assert {id(named["origin"]) for named in told} == {id(root)}


def test_nullified_foreign_keys_tell_nothing(session, heard):
    """As in Django, where SET_NULL is one UPDATE."""
    parent = Node(name="p")
    followed = Order(number="1")
    session.add_all([parent, followed])
    session.commit()
    heard.listen(pre_save, post_save)
    session.delete(parent)
    session.flush()
    assert heard == []


def test_pre_delete_may_delete_more(session, heard):
    """In another round of the same flush."""
    one, two = Node(name="1"), Node(name="2")
    session.add_all([one, two])
    session.commit()
    heard.listen(pre_delete, post_delete)

    @receiver(pre_delete, sender=Node)
    def more(instance, **kwargs):
        if instance is one:
            session.delete(two)

    session.delete(one)
    session.flush()
    assert [(name, named["instance"]) for name, _, named in heard] == [
        ("pre_delete", one),
        ("pre_delete", two),
        ("post_delete", one),
        ("post_delete", two),
    ]


def test_deleted_and_changed_is_only_deleted(session, heard):
    """No save is told of what goes."""
    node = Node(name="1")
    session.add(node)
    session.commit()
    heard.listen(pre_save, post_save)
    node.name = "2"
    with session.no_autoflush:
        session.delete(node)
    session.commit()
    assert heard == []
