"""The second look, after the before_flush listeners of the program's own."""

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion import receiver
from clarion.integrations.sqlalchemy import post_save, pre_save
from clarion.integrations.sqlalchemy.flush.listeners import before_flush_again
from tests.integrations.sqlalchemy.shop import Order, Tag

SAVES = pre_save, post_save


def log(session, context, instances):
    """Write one tag for each flush, and a note in each order."""
    if not any(isinstance(each, Tag) for each in session.new):
        session.add(Tag(name="log"))
    for each in session.dirty:
        if isinstance(each, Order):
            each.note = "logged"


@pytest.fixture(params=["session", "maker", "scoped", "class"])
def logged(request, engine, kind, heard):
    """A session with a listener of the program's own, younger than Clarion's."""
    heard.listen(*SAVES)
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


def test_what_a_listener_adds_is_told(logged, heard):
    """From the first flush on, before and after."""
    for number in "12":
        logged.add(Order(number=number))
        logged.flush()
        assert heard.names == [
            ("pre_save", "Order"),
            ("pre_save", "Tag"),
            ("post_save", "Order"),
            ("post_save", "Tag"),
        ]


def test_what_a_listener_changes_is_among_the_fields(logged, heard):
    """Of an object that was told before, and of one that nobody knew to be changed."""
    order = Order(number="1")
    logged.add(order)
    logged.commit()
    heard.clear()
    order.amount = 5
    logged.commit()
    fields = {name: named["update_fields"] for name, kind, named in heard if kind == "Order"}
    assert fields == {"pre_save": {"amount"}, "post_save": {"amount", "note"}}


def test_a_listener_that_is_younger_still(logged, heard):
    """The second look stays the last, and there is one of it."""
    logged.add(Order(number="1"))
    logged.commit()

    @event.listens_for(logged, "before_flush")
    def later(session, context, instances):
        session.add(Tag(name="later"))

    heard.clear()
    logged.add(Order(number="2"))
    logged.commit()
    assert [name for name, kind in heard.names if kind == "Tag"] == ["pre_save"] * 2 + [
        "post_save"
    ] * 2
    assert list(logged.dispatch.before_flush.listeners).count(before_flush_again) == 1


def test_an_error_in_the_second_look_leaves_the_session_usable(logged):
    """As one in the first."""
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


def test_other_sessions_have_no_listener(session, heard):
    """Without listeners of one's own there is one look."""
    heard.listen(*SAVES)
    session.add(Tag(name="t"))
    session.commit()
    assert not session.dispatch.before_flush.listeners
