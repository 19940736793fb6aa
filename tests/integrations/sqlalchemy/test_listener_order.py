"""The second plan of a flush, after the before_flush listeners of user code."""

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion import receiver
from clarion.integrations.sqlalchemy import post_save, pre_save
from clarion.integrations.sqlalchemy.flush.listeners import before_flush_again
from tests.integrations.sqlalchemy.shop import Order, Tag

SAVES = pre_save, post_save


def log(session, context, instances):
    """Add one tag in each flush, and set a note in each order."""
    if not any(isinstance(each, Tag) for each in session.new):
        session.add(Tag(name="log"))
    for each in session.dirty:
        if isinstance(each, Order):
            each.note = "logged"


@pytest.fixture(params=["session", "maker", "scoped", "class"])
def logged(request, engine, kind, recorded):
    """A session with a listener of user code, younger than Clarion's."""
    recorded.listen(*SAVES)
    maker = sessionmaker(engine, class_=kind)
    scoped = scoped_session(maker)
    targets = {"maker": maker, "scoped": scoped, "class": Session}
    if request.param in targets:
        event.listen(targets[request.param], "before_flush", log)
    with maker() as session:
        if request.param == "session":
            event.listen(session, "before_flush", log)
        yield session
    if request.param in targets:
        event.remove(targets[request.param], "before_flush", log)


def test_objects_added_by_a_listener_are_sent(logged, recorded):
    """Objects that a listener adds are sent before and after the flush, from the first one on."""
    for number in "12":
        logged.add(Order(number=number))
        logged.flush()
        assert recorded.names == [
            ("pre_save", "Order"),
            ("pre_save", "Tag"),
            ("post_save", "Order"),
            ("post_save", "Tag"),
        ]


def test_changes_by_a_listener_are_among_the_fields(logged, recorded):
    """A listener's changes are among the fields, of an object without a change before, too."""
    order = Order(number="1")
    logged.add(order)
    logged.commit()
    recorded.clear()
    order.amount = 5
    logged.commit()
    fields = {name: named["update_fields"] for name, kind, named in recorded if kind == "Order"}
    assert fields == {"pre_save": {"amount"}, "post_save": {"amount", "note"}}


def test_a_listener_that_is_younger_still(logged, recorded):
    """Clarion's last listener stays the last, and is attached once."""
    logged.add(Order(number="1"))
    logged.commit()

    @event.listens_for(logged, "before_flush")
    def later(session, context, instances):
        session.add(Tag(name="later"))

    recorded.clear()
    logged.add(Order(number="2"))
    logged.commit()
    assert [name for name, kind in recorded.names if kind == "Tag"] == ["pre_save"] * 2 + [
        "post_save"
    ] * 2
    assert list(logged.dispatch.before_flush.listeners).count(before_flush_again) == 1


def test_an_error_in_the_second_plan_leaves_the_session_usable(logged):
    """After an error in the second plan the session can be used, as after one in the first."""
    fails = [True]

    @receiver(pre_save, sender=Tag)
    def refuse(**kwargs):
        if fails:
            raise ValueError("no")

    logged.add(Order(number="1"))
    with pytest.raises(ValueError, match="no"):
        logged.flush()
    fails.clear()
    logged.commit()
    assert logged.query(Tag).count() == 1


def test_other_sessions_have_no_listener(session, recorded):
    """A session without such listeners gets no second plan."""
    recorded.listen(*SAVES)
    session.add(Tag(name="t"))
    session.commit()
    assert not session.dispatch.before_flush.listeners
