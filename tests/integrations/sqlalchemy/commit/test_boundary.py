"""After the commit of a session, its savepoints, and the sessions around it."""

from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion import Signal, on_commit, receiver
from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy import (
    bound,
    post_delete,
    post_save,
    pre_save,
)
from tests.integrations.sqlalchemy.shop import Order, Tag

paid = Signal()


class Undo(Exception):  # noqa: N818
    """Rolls a block back."""


@pytest.fixture
def ran():
    """Return a list of the order_ids that a receiver has heard of after a commit."""
    found = []
    paid.connect(lambda sender, order_id, **kw: found.append(order_id), delivery=on_commit)
    return found


def test_bound_takes_every_kind_of_session(engine, ran):
    """A scoped session stands for the one of its scope."""
    scoped = scoped_session(sessionmaker(engine))
    with bound(scoped):
        scoped.begin()
        paid.send(None, order_id=1)
        paid.send(None, order_id=2, session=scoped)
        assert ran == []
        scoped.commit()
    assert ran == [1, 2]
    scoped.remove()
    with pytest.raises(ArgumentError, match="no session"):
        bound("session")  # type: ignore[arg-type]


def test_a_receiver_has_a_session_of_its_own(engine, kind):
    """A new one of the same kind, committed when it returns."""
    used = []

    @receiver(post_save, sender=Order, delivery=on_commit)
    def write(instance, session, **kwargs):
        used.append(session)
        assert instance in session
        session.add(Tag(name=instance.number))

    with sessionmaker(engine, class_=kind)() as mine:
        mine.add(Order(number="7"))
        mine.commit()
        assert mine.scalars(select(Tag.name)).all() == ["7"]
        assert used[0] is not mine
        assert isinstance(used[0], kind)
        assert not used[0].in_transaction()


def test_its_session_is_rolled_back_if_it_fails(session):
    """And what it has sent is dropped."""
    later = []
    paid.connect(lambda sender, order_id, **kw: later.append(order_id), delivery=on_commit)

    @receiver(post_save, sender=Order, delivery=on_commit)
    def fail(instance, session, **kwargs):
        session.add(Tag(name="t"))
        paid.send(None, order_id=1, session=session)
        raise ValueError("no")

    session.add(Order(number="7"))
    session.commit()
    assert session.scalar(select(func.count()).select_from(Tag)) == 0
    assert later == []


def test_who_asks_for_a_session_is_refused_where_there_is_none(ran):
    """In one sentence, at the send, unless it can do without."""
    told = []

    @receiver(paid, delivery=on_commit)
    def without(sender, session=None, **kwargs):
        told.append(session)

    paid.send(None, order_id=1)
    assert told == [None]

    @receiver(paid, delivery=on_commit)
    def needs(sender, session, **kwargs):
        told.append(session)

    with pytest.raises(ArgumentError, match=r"asks for a session, and .* has none to give"):
        paid.send(None, order_id=1)


def test_an_instance_is_a_copy_as_it_was_committed(session):
    """With its key and what was loaded, though the session has expired its own."""
    told = []

    @receiver(post_save, sender=Order, delivery=on_commit)
    def look(instance, **kwargs):
        told.append(instance)

    with session.begin():
        order = Order(number="7", amount=3)
        session.add(order)
    assert told[0] is not order
    assert (told[0].id, told[0].number, told[0].amount) == (order.id, "7", 3)
    told[0].number = "changed"
    assert order.number == "7"


def test_after_a_delete_its_values_are_still_there(session):
    """The row is gone; the copy is in no session."""
    told = []

    @receiver(post_delete, sender=Order, delivery=on_commit)
    def look(instance, session, **kwargs):
        told.append((instance.id, instance.number, instance in session))

    order = Order(number="7")
    session.add(order)
    session.commit()
    key = order.id
    session.delete(order)
    session.commit()
    assert told == [(key, "7", False)]


def test_of_a_new_row_pre_save_knows_the_key_after_the_commit(session):
    """It was sent before there was one."""
    told = []

    @receiver(pre_save, sender=Order, delivery=on_commit)
    def look(instance, **kwargs):
        told.append(instance.id)

    order = Order(number="7")
    session.add(order)
    session.commit()
    assert told == [order.id]


def test_a_session_that_is_closed_is_not_asked(engine):
    """Nothing is loaded silently for a receiver that looks at its instance."""
    told: list[Any] = []
    statements: list[str] = []

    @receiver(post_save, sender=Order, delivery=on_commit)
    def look(instance, **kwargs):
        statements.clear()
        told.append((instance.id, instance.number))
        told.append(list(statements))

    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with Session(engine) as session, session.begin():
        session.add(Order(number="7"))
    assert told == [(1, "7"), []]


def test_the_session_that_commits_is_of_no_use_in_its_block(engine):
    """SQLAlchemy refuses it inside `with session.begin()`: a receiver needs one of its own."""

    @receiver(paid, delivery=on_commit)
    def misuse(sender, **kwargs):
        mine.scalar(text("SELECT 1"))

    with Session(engine) as mine:
        with mine.begin():
            ((_, scheduled),) = paid.send(None, order_id=1, session=mine)
        assert isinstance(scheduled.response, InvalidRequestError)
        assert mine.scalar(text("SELECT 1")) == 1
