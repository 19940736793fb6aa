"""The pre and post signals of a flush: which, in which order, with which keywords."""

import pytest
from sqlalchemy import func, select
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
from tests.integrations.sqlalchemy.shop import Book, Line, Node, Order, Tag

SAVES = pre_save, post_save


DELETES = pre_delete, post_delete


def count(session, kind):
    return session.scalar(select(func.count()).select_from(kind))


def test_receiver_from_djangos_documentation(session):
    """Only the line of the import differs."""
    found = []

    @receiver(post_save, sender=Order)
    def my_handler(sender, instance, created, **kwargs):
        found.append((sender, instance.number, created))

    session.add(Order(number="1"))
    session.commit()
    assert found == [(Order, "1", True)]


def test_insert_is_told_before_and_after(session, heard):
    """With Django's keywords, and no others."""
    heard.listen(*SAVES, sender=Order)
    order = Order(number="1")
    session.add(order)
    session.flush()
    shared = {"instance": order, "raw": False, "using": "default", "update_fields": None}
    assert heard == [
        ("pre_save", "Order", shared),
        ("post_save", "Order", {**shared, "created": True}),
    ]


def test_update_is_told_with_its_fields(session, heard):
    """They are the columns that really change."""
    order = Order(number="1", amount=1)
    session.add(order)
    session.commit()
    heard.listen(*SAVES, sender=Order)
    session.refresh(order)
    order.amount = 2
    order.note = "n"
    order.number = "1"
    session.commit()
    before, after = heard.take()
    assert before["update_fields"] == after["update_fields"] == {"amount", "note"}
    assert after["created"] is False


def test_without_a_change_nothing_is_told(session, heard):
    """Neither by a flush of nothing, nor by a value that comes back before it."""
    order = Order(number="1")
    session.add(order)
    session.commit()
    heard.listen(*SAVES, sender=Order)
    assert order.number == "1"
    order.number = "2"
    order.number = "1"
    session.commit()
    assert heard == []


def test_delete_is_told_before_and_after(session, heard):
    """The origin is the instance itself, and it still has its primary key."""
    order = Order(number="1")
    session.add(order)
    session.commit()
    heard.listen(*DELETES, sender=Order)
    session.delete(order)
    session.flush()
    named = {"instance": order, "using": "default", "origin": order}
    assert heard == [("pre_delete", "Order", named), ("post_delete", "Order", named)]
    assert order.id == 1


def test_order_of_a_flush(session, heard):
    """First all that comes before, then SQL, then all that comes after; deletes first."""
    gone, kept = Order(number="1"), Order(number="2")
    session.add_all([gone, kept])
    session.commit()
    heard.listen(*SAVES, *DELETES)
    kept.number = "3"
    session.add_all([Tag(name="b"), Tag(name="a")])
    with session.no_autoflush:
        session.delete(gone)
    session.flush()
    told = [(name, named["instance"]) for name, _, named in heard]
    tags = [instance for name, instance in told if isinstance(instance, Tag)]
    assert [tag.name for tag in tags] == ["b", "a", "b", "a"]
    assert heard.names == [
        ("pre_delete", "Order"),
        ("pre_save", "Tag"),
        ("pre_save", "Tag"),
        ("pre_save", "Order"),
        ("post_delete", "Order"),
        ("post_save", "Tag"),
        ("post_save", "Tag"),
        ("post_save", "Order"),
    ]


def test_updates_come_in_the_order_of_their_keys(session, heard):
    """By class and primary key, for a session has them in no order."""
    orders = [Order(id=number, number="1") for number in range(1, 30)]
    book = Book(id=1, title="t")
    session.add_all([*orders, book])
    session.commit()
    heard.listen(post_save)
    for order in reversed(orders):
        order.number = "2"
    book.title = "u"
    session.commit()
    assert [named["instance"].id for named in heard.take()] == [1, *range(1, 30)]


def test_pre_save_may_change_the_instance(session):
    """What it sets is stored, on insert and on update, and is among the fields."""
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


def test_pre_save_may_add_and_delete(session, heard):
    """What it adds is told in the same flush, and what it deletes is no longer saved."""
    old = Tag(name="old")
    session.add(old)
    session.commit()
    heard.listen(*SAVES, *DELETES)
    old.name = "changed"

    @receiver(pre_save, sender=Order)
    def work(instance, **kwargs):
        session.add(Book(title="log"))
        session.delete(old)

    session.add(Order(number="1"))
    session.commit()
    assert ("post_save", "Book") in heard.names
    assert count(session, Book) == 1
    assert count(session, Tag) == 0


def test_endless_pre_save_is_refused(session):
    """After a hundred rounds, with the class named; the session remains usable."""

    @receiver(pre_save, sender=Tag)
    def more(instance, **kwargs):
        session.add(Tag(name=f"{instance.name}+"))

    session.add(Tag(name="t"))
    with pytest.raises(EndlessFlushError, match=r"After 100 rounds .* of Tag") as refused:
        session.flush()
    assert refused.value.classes == ("Tag",)
    session.expunge_all()
    assert count(session, Tag) == 0


def test_connected_in_pre_save_hears_post_save(session, heard):
    """Also of another class, for what is told is fixed when the last round has ended."""

    @receiver(pre_save, sender=Order, once=True)
    def connect(**kwargs):
        heard.listen(post_save, sender=Order)
        heard.listen(*SAVES, sender=Tag)

    session.add_all([Tag(name="t"), Order(number="1")])
    session.flush()
    assert heard.names == [("pre_save", "Tag"), ("post_save", "Tag"), ("post_save", "Order")]


def test_connected_in_post_save_hears_what_is_left(session, heard):
    """Of its class, in the same flush."""

    @receiver(post_save, sender=Order, once=True)
    def connect(**kwargs):
        heard.listen(post_save, sender=Order)

    session.add_all([Order(number="1"), Order(number="2")])
    session.flush()
    assert [named["instance"].number for named in heard.take()] == ["2"]


def test_row_switch(session, heard):
    """Who deletes and adds one key in a flush hears of a delete, then of an insert."""
    old = Order(id=1, number="old")
    session.add(old)
    session.commit()
    heard.listen(*SAVES, *DELETES)
    session.delete(old)
    new = Order(id=1, number="new")
    session.add(new)
    session.commit()
    assert [(name, named["instance"]) for name, _, named in heard] == [
        ("pre_delete", old),
        ("pre_save", new),
        ("post_delete", old),
        ("post_save", new),
    ]
    assert heard[3][2]["created"] is True
    assert session.scalars(select(Order.number)).all() == ["new"]


def test_expression_is_told_and_can_be_read(session):
    """What the database works out is among the fields, and loaded when it is read."""
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


def test_expired_attribute_that_is_set_is_told(session, heard):
    """Even to the value that it had, for SQLAlchemy updates it blindly."""
    order = Order(number="1")
    session.add(order)
    session.commit()
    heard.listen(post_save)
    session.expire(order)
    order.number = "1"
    session.commit()
    assert heard.take()[0]["update_fields"] == {"number"}


def test_flush_of_some_objects_tells_of_these(session, heard):
    """As the others are not written."""
    heard.listen(*SAVES)
    one, other = Tag(name="1"), Tag(name="2")
    session.add_all([one, other])
    with pytest.warns() if hasattr(Session, "delete_all") else pytest.MonkeyPatch.context():
        session.flush([one])
    assert [named["instance"] for named in heard.take()] == [one, one]
    session.flush()
    assert [named["instance"] for named in heard.take()] == [other, other]


def test_merge_and_unflushed_objects(session, heard):
    """merge() is told as what it does; what is expunged before a flush is not told."""
    session.add(Order(id=1, number="1"))
    session.commit()
    heard.listen(post_save)
    with session.no_autoflush:
        session.merge(Order(id=1, number="2"))
        session.merge(Order(id=2, number="2"))
    dropped = Tag(name="t")
    session.add(dropped)
    session.expunge(dropped)
    session.flush()
    assert [(named["instance"].id, named["created"]) for named in heard.take()] == [
        (2, True),
        (1, False),
    ]


def test_expunged_in_pre_save_is_not_told_any_more(session, heard):
    """Neither before nor after, since it is not written."""
    second = Tag(name="2")

    @receiver(pre_save, sender=Order)
    def expunge(**kwargs):
        if second in session:
            session.expunge(second)

    heard.listen(*SAVES, sender=Tag)
    session.add_all([Order(number="1"), second])
    session.flush()
    assert heard == []


def test_many_to_many_comes_after_the_saves(session, heard):
    """As in Django, where a relationship is changed once its owner is saved."""
    heard.listen(*SAVES, sender=Book)
    heard.listen(m2m_changed, sender=Book.tags)
    session.add(Book(title="t", tags={Tag(name="t")}))
    session.flush()
    assert [name for name, _ in heard.names] == ["pre_save", "pre_add", "post_save", "post_add"]


def test_deep_trees_and_lines_are_told(session, heard):
    """A cascade of thousands of levels is followed, children first."""
    heard.listen(pre_delete, sender=Node)
    root = node = Node(name="0")
    for depth in range(300):
        node.children.append(Node(name=str(depth)))
        node = node.children[0]
    session.add(root)
    session.flush()
    session.delete(root)
    session.flush()
    told = heard.take()
    assert told[-1]["instance"] is root
    assert len(told) == 301
    assert {id(named["origin"]) for named in told} == {id(root)}
    assert count(session, Line) == 0
