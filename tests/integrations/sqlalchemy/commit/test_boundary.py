"""What receivers get after the commit of a session, and `bound`."""

from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion import on_commit, receiver
from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy import (
    bound,
    post_delete,
    post_save,
    pre_save,
)
from tests.integrations.sqlalchemy.commit.paid import paid
from tests.integrations.sqlalchemy.shop import Order, Tag


def test_bound_takes_every_kind_of_session(engine, ran):
    """A scoped session is replaced by the session of its scope."""
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
        bound("session")  # type: ignore[type-var]


def test_a_receiver_has_a_session_of_its_own(engine, kind):
    """A receiver gets a new session of the same kind, which is committed when it returns."""
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
    """If the receiver fails, its session is rolled back, and the calls that wait for it are dropped."""
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


def test_without_a_session_a_request_for_one_is_refused(ran):
    """Without a session a receiver that requests one is refused, unless it has a default."""
    calls = []

    @receiver(paid, delivery=on_commit)
    def without(sender, session=None, **kwargs):
        calls.append(session)

    paid.send(None, order_id=1)
    assert calls == [None]

    @receiver(paid, delivery=on_commit)
    def needs(sender, session, **kwargs):
        calls.append(session)

    with pytest.raises(ArgumentError, match=r"asks for a session, and .* has none to give"):
        paid.send(None, order_id=1)


def test_an_instance_is_a_copy_as_it_was_committed(session):
    """The receiver gets a copy with key and loaded values, though the session has expired its own."""
    calls = []

    @receiver(post_save, sender=Order, delivery=on_commit)
    def look(instance, **kwargs):
        calls.append(instance)

    with session.begin():
        order = Order(number="7", amount=3)
        session.add(order)
    assert calls[0] is not order
    assert (calls[0].id, calls[0].number, calls[0].amount) == (order.id, "7", 3)
    calls[0].number = "changed"
    assert order.number == "7"


def test_after_a_delete_the_copy_has_the_values(session):
    """After a delete the copy has the values of the row, and is in no session."""
    calls = []

    @receiver(post_delete, sender=Order, delivery=on_commit)
    def look(instance, session, **kwargs):
        calls.append((instance.id, instance.number, instance in session))

    order = Order(number="7")
    session.add(order)
    session.commit()
    key = order.id
    session.delete(order)
    session.commit()
    assert calls == [(key, "7", False)]


def test_receivers_of_pre_save_get_the_key_of_a_new_row(session):
    """After the commit a receiver of pre_save gets the key that the row did not have at the send."""
    calls = []

    @receiver(pre_save, sender=Order, delivery=on_commit)
    def look(instance, **kwargs):
        calls.append(instance.id)

    order = Order(number="7")
    session.add(order)
    session.commit()
    assert calls == [order.id]


def test_a_closed_session_loads_nothing(engine):
    """A receiver that reads its instance executes no statement."""
    calls: list[Any] = []
    statements: list[str] = []

    @receiver(post_save, sender=Order, delivery=on_commit)
    def look(instance, **kwargs):
        statements.clear()
        calls.append((instance.id, instance.number))
        calls.append(list(statements))

    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with Session(engine) as session, session.begin():
        session.add(Order(number="7"))
    assert calls == [(1, "7"), []]


def test_the_committing_session_refuses_statements_in_its_block(engine):
    """Inside `with session.begin()` the session refuses a receiver's statements after the commit."""

    @receiver(paid, delivery=on_commit)
    def misuse(sender, **kwargs):
        mine.scalar(text("SELECT 1"))

    with Session(engine) as mine:
        with mine.begin():
            ((_, scheduled),) = paid.send(None, order_id=1, session=mine)
        assert isinstance(scheduled.response, InvalidRequestError)
        assert mine.scalar(text("SELECT 1")) == 1


def test_a_scoped_session_is_followed(engine, ran):
    """`bound` follows a scoped session from job to job, and makes no session."""
    scoped = scoped_session(sessionmaker(engine))
    with bound(scoped) as given:
        assert given is scoped
        assert not scoped.registry.has()
        paid.send(None, order_id=0)
        assert ran == [0]
        assert not scoped.registry.has()
        for n, end in enumerate(("commit", "rollback", "commit"), 1):
            scoped.add(Tag(name="t"))
            paid.send(None, order_id=n)
            assert n not in ran
            getattr(scoped, end)()
            scoped.remove()
    assert ran == [0, 1, 3]


def test_a_scope_without_a_session_gives_one(engine):
    """A receiver that runs at once in a scope without a session gets one like those of the scope."""
    used = []

    @receiver(paid, delivery=on_commit)
    def write(sender, session, **kwargs):
        used.append(session)
        session.add(Tag(name=session.info["tenant"]))

    scoped = scoped_session(sessionmaker(engine, info={"tenant": "7"}))
    with bound(scoped):
        paid.send(None, order_id=1)
        assert not scoped.registry.has()
        assert [each.name for each in scoped.query(Tag)] == ["7"]
        assert used[0] is not scoped()
    scoped.remove()


def test_bound_returns_the_session(session):
    """`bound` returns the session, which may be made in the same line."""
    with bound(session) as given:
        assert given is session
