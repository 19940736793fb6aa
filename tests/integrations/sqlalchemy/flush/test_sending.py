"""The pre and post signals of a flush: which, in which order, with which keywords."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from clarion import receiver
from clarion.errors import EndlessFlushError
from clarion.integrations.sqlalchemy import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from tests.integrations.sqlalchemy.shop import Book, Line, Node, Order, Tag, count

SAVES = pre_save, post_save


DELETES = pre_delete, post_delete


def test_receiver_from_djangos_documentation(session):
    """The example of Django's documentation works with another import."""
    found = []

    @receiver(post_save, sender=Order)
    def my_handler(sender, instance, created, **kwargs):
        found.append((sender, instance.number, created))

    session.add(Order(number="1"))
    session.commit()
    assert found == [(Order, "1", True)]


def test_insert_is_sent_before_and_after(session, recorded):
    """Both signals have Django's keywords, and no others."""
    recorded.listen(*SAVES, sender=Order)
    order = Order(number="1")
    session.add(order)
    session.flush()
    shared = {"instance": order, "raw": False, "using": "default", "update_fields": None}
    assert recorded == [
        ("pre_save", "Order", shared),
        ("post_save", "Order", {**shared, "created": True}),
    ]


def test_update_is_sent_with_its_fields(session, recorded):
    """The fields of an update are the columns whose value differs."""
    order = Order(number="1", amount=1)
    session.add(order)
    session.commit()
    recorded.listen(*SAVES, sender=Order)
    session.refresh(order)
    order.amount = 2
    order.note = "n"
    order.number = "1"
    session.commit()
    before, after = recorded.take()
    assert before["update_fields"] == after["update_fields"] == {"amount", "note"}
    assert after["created"] is False


def test_without_a_change_nothing_is_sent(session, recorded):
    """An empty flush, and a value that is set back, send nothing."""
    order = Order(number="1")
    session.add(order)
    session.commit()
    recorded.listen(*SAVES, sender=Order)
    assert order.number == "1"
    order.number = "2"
    order.number = "1"
    session.commit()
    assert recorded == []


def test_delete_is_sent_before_and_after(session, recorded):
    """A deleted instance is its own origin, and has its primary key before and after."""
    order = Order(number="1")
    session.add(order)
    session.commit()
    recorded.listen(*DELETES, sender=Order)
    session.delete(order)
    session.flush()
    named = {"instance": order, "using": "default", "origin": order}
    assert recorded == [("pre_delete", "Order", named), ("post_delete", "Order", named)]
    assert order.id == 1


def test_order_of_a_flush(session, recorded):
    """A flush sends all pre signals, then executes SQL, then sends all post signals, deletes first."""
    gone, kept = Order(number="1"), Order(number="2")
    session.add_all([gone, kept])
    session.commit()
    recorded.listen(*SAVES, *DELETES)
    kept.number = "3"
    session.add_all([Tag(name="b"), Tag(name="a")])
    with session.no_autoflush:
        session.delete(gone)
    session.flush()
    calls = [(name, named["instance"]) for name, _, named in recorded]
    tags = [instance for name, instance in calls if isinstance(instance, Tag)]
    assert [tag.name for tag in tags] == ["b", "a", "b", "a"]
    assert recorded.names == [
        ("pre_delete", "Order"),
        ("pre_save", "Tag"),
        ("pre_save", "Tag"),
        ("pre_save", "Order"),
        ("post_delete", "Order"),
        ("post_save", "Tag"),
        ("post_save", "Tag"),
        ("post_save", "Order"),
    ]


def test_updates_come_in_the_order_of_their_keys(session, recorded):
    """Updates are sorted by class and primary key, because a session keeps no order."""
    orders = [Order(id=number, number="1") for number in range(1, 30)]
    book = Book(id=1, title="t")
    session.add_all([*orders, book])
    session.commit()
    recorded.listen(post_save)
    for order in reversed(orders):
        order.number = "2"
    book.title = "u"
    session.commit()
    assert [named["instance"].id for named in recorded.take()] == [1, *range(1, 30)]


def test_pre_save_may_change_the_instance(session):
    """A change by pre_save is stored and is among the fields, on insert and on update."""
    fields = []

    @receiver(pre_save, sender=Order)
    def fill(instance, **kwargs):
        instance.note = instance.number.upper()

    @receiver(post_save, sender=Order)
    def note(update_fields, **kwargs):
        fields.append(update_fields)

    order = Order(number="a")
    session.add(order)
    session.commit()
    assert session.scalar(select(Order.note)) == "A"
    order.number = "b"
    session.commit()
    assert session.scalar(select(Order.note)) == "B"
    assert fields == [None, {"number", "note"}]


def test_pre_save_may_add_and_delete(session, recorded):
    """The same flush sends an added object, and does not save a deleted one."""
    old = Tag(name="old")
    session.add(old)
    session.commit()
    recorded.listen(*SAVES, *DELETES)
    old.name = "changed"

    @receiver(pre_save, sender=Order)
    def work(instance, **kwargs):
        session.add(Book(title="log"))
        session.delete(old)

    session.add(Order(number="1"))
    session.commit()
    assert ("post_save", "Book") in recorded.names
    assert count(session, Book) == 1
    assert count(session, Tag) == 0


def test_endless_pre_save_is_refused(session):
    """After a hundred rounds the error names the class, and the session remains usable."""

    @receiver(pre_save, sender=Tag)
    def more(instance, **kwargs):
        session.add(Tag(name=f"{instance.name}+"))

    session.add(Tag(name="t"))
    with pytest.raises(EndlessFlushError, match=r"After 100 rounds .* of Tag") as refused:
        session.flush()
    assert refused.value.classes == ("Tag",)
    session.expunge_all()
    assert count(session, Tag) == 0


def test_a_receiver_connected_in_pre_save_gets_post_save(session, recorded):
    """A receiver connected in pre_save gets post_save, for another class, too."""

    @receiver(pre_save, sender=Order, once=True)
    def connect(**kwargs):
        recorded.listen(post_save, sender=Order)
        recorded.listen(*SAVES, sender=Tag)

    session.add_all([Tag(name="t"), Order(number="1")])
    session.flush()
    assert recorded.names == [("pre_save", "Tag"), ("post_save", "Tag"), ("post_save", "Order")]


def test_a_receiver_connected_in_post_save_gets_the_rest(session, recorded):
    """A receiver connected in post_save gets the rest of its class in the same flush."""

    @receiver(post_save, sender=Order, once=True)
    def connect(**kwargs):
        recorded.listen(post_save, sender=Order)

    session.add_all([Order(number="1"), Order(number="2")])
    session.flush()
    assert [named["instance"].number for named in recorded.take()] == ["2"]


def test_row_switch(session, recorded):
    """A delete and an add of one key in a flush are sent as a delete and an insert."""
    old = Order(id=1, number="old")
    session.add(old)
    session.commit()
    recorded.listen(*SAVES, *DELETES)
    session.delete(old)
    new = Order(id=1, number="new")
    session.add(new)
    session.commit()
    assert [(name, named["instance"]) for name, _, named in recorded] == [
        ("pre_delete", old),
        ("pre_save", new),
        ("post_delete", old),
        ("post_save", new),
    ]
    assert recorded[3][2]["created"] is True
    assert session.scalars(select(Order.number)).all() == ["new"]


def test_expression_is_sent_and_can_be_read(session):
    """The column of an expression is among the fields, and its value is loaded when it is read."""
    order = Order(number="1", amount=1)
    session.add(order)
    session.commit()
    found = []

    @receiver(post_save, sender=Order)
    def read(instance, update_fields, **kwargs):
        found.append((instance.amount, update_fields))

    order.amount = Order.amount + 1
    session.commit()
    assert found == [(2, {"amount"})]


def test_expired_attribute_that_is_set_is_sent(session, recorded):
    """An expired attribute that is set to its old value is sent, because SQLAlchemy updates it."""
    order = Order(number="1")
    session.add(order)
    session.commit()
    recorded.listen(post_save)
    session.expire(order)
    order.number = "1"
    session.commit()
    assert recorded.take()[0]["update_fields"] == {"number"}


def test_flush_of_some_objects_sends_these(session, recorded):
    """A flush of some objects sends only these, because the others are not written."""
    recorded.listen(*SAVES)
    one, other = Tag(name="1"), Tag(name="2")
    session.add_all([one, other])
    with pytest.warns() if hasattr(Session, "delete_all") else pytest.MonkeyPatch.context():
        session.flush([one])
    assert [named["instance"] for named in recorded.take()] == [one, one]
    session.flush()
    assert [named["instance"] for named in recorded.take()] == [other, other]


def test_merge_and_unflushed_objects(session, recorded):
    """merge() sends an insert or an update; an expunged object sends nothing."""
    session.add(Order(id=1, number="1"))
    session.commit()
    recorded.listen(post_save)
    with session.no_autoflush:
        session.merge(Order(id=1, number="2"))
        session.merge(Order(id=2, number="2"))
    dropped = Tag(name="t")
    session.add(dropped)
    session.expunge(dropped)
    session.flush()
    assert [(named["instance"].id, named["created"]) for named in recorded.take()] == [
        (2, True),
        (1, False),
    ]


def test_an_object_expunged_in_pre_save_is_not_sent(session, recorded):
    """An object that pre_save expunges is neither written nor sent."""
    second = Tag(name="2")

    @receiver(pre_save, sender=Order)
    def expunge(**kwargs):
        if second in session:
            session.expunge(second)

    recorded.listen(*SAVES, sender=Tag)
    session.add_all([Order(number="1"), second])
    session.flush()
    assert recorded == []


def test_many_to_many_comes_after_the_saves(session, recorded):
    """The owner is saved before its relationship, as in Django."""
    recorded.listen(*SAVES, sender=Book)
    recorded.listen(m2m_changed, sender=Book.tags)
    session.add(Book(title="t", tags={Tag(name="t")}))
    session.flush()
    assert [name for name, _ in recorded.names] == ["pre_save", "pre_add", "post_save", "post_add"]


def test_deep_trees_are_sent(session, recorded):
    """A cascade of hundreds of levels is followed, children first."""
    recorded.listen(pre_delete, sender=Node)
    root = node = Node(name="0")
    for depth in range(300):
        node.children.append(Node(name=str(depth)))
        node = node.children[0]
    session.add(root)
    session.flush()
    session.delete(root)
    session.flush()
    calls = recorded.take()
    assert calls[-1]["instance"] is root
    assert len(calls) == 301
    assert {id(named["origin"]) for named in calls} == {id(root)}
    assert count(session, Line) == 0
