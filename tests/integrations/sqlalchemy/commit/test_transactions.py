"""When the calls of a transaction or a savepoint run, and when they are dropped.

What holds on every boundary is in `tests/scenarios`.
"""

import gc
import logging
import weakref
from contextlib import suppress

import pytest
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from clarion import on_commit, receiver
from clarion.integrations.sqlalchemy import (
    post_save,
    pre_save,
)
from tests.integrations.sqlalchemy.commit.paid import Undo, paid
from tests.integrations.sqlalchemy.shop import Base, Order, Tag


def test_receivers_wait_for_the_commit_of_the_session(session, ran):
    """A send that names its session waits for its commit; without a transaction receivers run at once."""
    paid.send(None, order_id=1, session=session)
    assert ran == [1]
    session.add(Tag(name="t"))
    ((_, scheduled),) = paid.send(None, order_id=2, session=session)
    assert (scheduled.status, scheduled.boundary) == ("waiting", "the Session on 'default'")
    session.commit()
    assert ran == [1, 2]
    assert scheduled.status == "ran"


def test_a_rollback_drops_calls(session, ran):
    """A rollback drops the calls of a session, and so does closing it."""
    session.add(Tag(name="t"))
    ((_, scheduled),) = paid.send(None, order_id=1, session=session)
    session.rollback()
    session.add(Tag(name="t"))
    paid.send(None, order_id=2, session=session)
    session.close()
    session.add(Tag(name="t"))
    session.commit()
    assert ran == []
    assert scheduled.status == "dropped"


def test_open_savepoints_are_committed_with_the_session(session, ran):
    """The session's commit ends open savepoints first, so their calls run."""
    session.begin()
    session.begin_nested()
    paid.send(None, order_id=1, session=session)
    session.begin_nested()
    paid.send(None, order_id=2, session=session)
    session.commit()
    assert ran == [1, 2]


def test_a_flush_that_fails_in_a_savepoint(session, ran):
    """A flush that fails in a savepoint drops the calls of the savepoint only."""
    with session.begin():
        session.add(Tag(id=1, name="t"))
        paid.send(None, order_id=1, session=session)
        with suppress(IntegrityError), session.begin_nested():
            paid.send(None, order_id=2, session=session)
            session.execute(text("INSERT INTO tag (id, name) VALUES (1, 'again')"))
    assert ran == [1]


def test_a_send_from_inside_a_flush(session):
    """A send inside a flush belongs to the savepoint that was open when the flush began."""
    mailed = []
    post_save.connect(
        lambda instance, **kw: mailed.append(instance.name), sender=Tag, delivery=on_commit
    )
    with session.begin():
        with suppress(Undo), session.begin_nested():
            session.add(Tag(name="lost"))
            session.flush()
            raise Undo
        with session.begin_nested():
            session.add(Tag(name="kept"))
    assert mailed == ["kept"]


def test_a_failing_receiver_stops_no_other(session, ran, caplog):
    """A receiver's error does not leave the commit; it is logged without a value, and counted."""

    @receiver(paid, delivery=on_commit, priority=1)
    def fail(sender, **kwargs):
        raise ValueError("no paper")

    session.begin()
    ((_, failed), _) = paid.send(Order, order_id=4711, session=session)
    with caplog.at_level(logging.ERROR, "clarion"):
        session.commit()
    assert ran == [4711]
    assert failed.status == "failed"
    assert str(failed.response) == "no paper"
    message = caplog.records[0].getMessage()
    assert ".fail of signal" in message
    assert "order_id, session" in message
    assert "4711" not in message


def test_a_receiver_may_commit_the_same_session(engine, kind):
    """A receiver may begin and commit a transaction of the session that has committed."""
    with kind(engine) as session:

        @receiver(paid, delivery=on_commit)
        def write(sender, order_id, **kwargs):
            session.add(Tag(name=str(order_id)))
            session.commit()

        session.begin()
        paid.send(None, order_id=1, session=session)
        session.commit()
        assert session.scalars(select(Tag.name)).all() == ["1"]


def test_coalescing_runs_the_last_call(session):
    """One call for each key and commit runs, across savepoints and signals."""
    calls = []

    @receiver([pre_save, post_save], sender=Order, delivery=on_commit(coalesce=_number))
    def index(instance, sends, **kwargs):
        calls.append((instance.number, instance.amount, len(sends)))

    with session.begin():
        first, second = Order(number="1"), Order(number="2")
        session.add_all([first, second])
        session.flush()
        with suppress(Undo), session.begin_nested():
            second.amount = 9
            session.flush()
            raise Undo
        with session.begin_nested():
            first.amount = 6
    assert calls == [("1", 6, 4), ("2", 0, 2)]


def _number(instance, **kwargs):
    return instance.number


def test_nothing_is_kept_without_an_on_commit_receiver(session):
    """Without an on_commit receiver no transaction is stored."""
    paid.connect(lambda sender, **kwargs: None)
    with session.begin():
        session.add(Tag(name="t"))
        paid.send(None, order_id=1, session=session)
        assert "_clarion_calls" not in vars(session.get_transaction())


def test_transactions_are_forgotten(engine, ran):
    """After a commit, a rollback or a close, no transaction is stored."""
    for end in ("commit", "rollback", "close"):
        with Session(engine) as session:
            session.begin()
            both = session.get_transaction(), session.begin_nested()
            paid.send(None, order_id=1, session=session)
            getattr(session, end)()
        assert not any("_clarion_calls" in vars(each) for each in both)


@pytest.mark.parametrize("server", ["twophase_postgres", "mariadb"])
@pytest.mark.service
def test_two_phases_are_one_commit(request, server, kind, ran):
    """Receivers run at the second phase of a commit, because a prepared transaction may be rolled back."""
    engine = create_engine(request.getfixturevalue(server))
    Base.metadata.create_all(engine)
    with kind(engine, twophase=True) as session:
        session.add(Tag(name="t"))
        session.flush()
        paid.send(None, order_id=1, session=session)
        session.prepare()
        assert ran == []
        session.commit()
        assert ran == [1]
        session.add(Tag(name="u"))
        session.flush()
        paid.send(None, order_id=2, session=session)
        session.prepare()
        session.rollback()
    assert ran == [1]
    engine.dispose()


def test_a_session_without_references_is_collected(engine, kind, ran):
    """A session without references is freed with its connection and its waiting calls."""
    found = []
    post_save.connect(lambda **kwargs: ran.append(1), delivery=on_commit)
    for n in range(20):  # more than the pool has connections
        session = kind(engine)
        session.add(Order(number=str(n)))
        session.flush()
        paid.send(None, order_id=n, session=session)
        found.append(weakref.ref(session))
        del session
        gc.collect()
    assert [each() for each in found] == [None] * 20
    assert ran == []


def test_a_listener_of_the_commit_sends(session, ran):
    """Sends of listeners of the commit, before Clarion's and after it, reach their receivers."""
    calls = []
    paid.connect(lambda instance, **kw: calls.append(instance.number), Order, delivery=on_commit)

    @event.listens_for(session, "after_commit")
    def later(session):
        paid.send(Order, order_id=1, session=session, instance=order)

    order = Order(number="7")
    session.add(order)
    session.commit()
    assert ran == [1]
    assert calls == ["7"]


def test_a_listener_of_the_commit_of_a_savepoint_sends(session, ran):
    """A send of a listener of a savepoint's commit waits for the transaction around it."""
    session.begin()

    @event.listens_for(session, "after_commit")
    def later(session):
        if session.in_nested_transaction():
            paid.send(None, order_id=1, session=session)

    with session.begin_nested():
        pass
    assert ran == []
    session.rollback()
    assert ran == []
    with session.begin(), session.begin_nested():
        pass
    assert ran == [1]
