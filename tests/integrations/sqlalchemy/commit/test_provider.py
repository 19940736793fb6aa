"""Which session a send belongs to."""

from contextlib import suppress

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IllegalStateChangeError
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Session, object_session

from clarion import on_commit, receiver
from clarion.commit import atomic
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy import (
    SignalSession,
    alias,
    bound,
    post_bulk_insert,
    post_save,
)
from clarion.introspect import explain
from tests.integrations.sqlalchemy.commit.paid import paid
from tests.integrations.sqlalchemy.shop import Order, Tag


def test_model_signals_wait_for_the_session_of_their_instance(session):
    """A receiver of an order whose insert is rolled back does not run."""
    mailed = []

    @receiver(post_save, sender=Order, delivery=on_commit)
    def mail(instance, created, **kwargs):
        mailed.append((instance.number, created))

    session.add(Order(number="1"))
    session.flush()
    session.rollback()
    session.add(Order(number="2"))
    session.flush()
    assert mailed == []
    session.commit()
    assert mailed == [("2", True)]


def test_bulk_writes_wait_for_the_session_that_executes_them(session):
    """A bulk write waits for the session that executes it, and its `using` is the engine's alias."""
    calls = []

    @receiver(post_bulk_insert, sender=Tag, delivery=on_commit)
    def note(rowcount, **kwargs):
        calls.append(rowcount)

    session.execute(insert(Tag), [{"name": "1"}, {"name": "2"}])
    session.bulk_save_objects([Tag(name="3")])
    assert calls == []
    session.commit()
    assert calls == [2, 1]


def test_a_session_is_bound_to_the_context(engine, ran):
    """A send waits for the innermost bound session, but for one that it names before it."""
    with Session(engine) as outer, Session(engine) as inner, bound(outer), bound(inner):
        outer.begin()
        inner.begin()
        paid.send(None, order_id=1)
        paid.send(None, order_id=2, session=outer)
        inner.commit()
        assert ran == [1]
        outer.commit()
    assert ran == [1, 2]


def test_using_names_the_engine(engine, ran):
    """`using` is the alias of the engine of a bound session."""
    alias(engine, "books")
    calls = []

    @receiver(paid, delivery=on_commit(using="books"))
    def note(sender, order_id, **kwargs):
        calls.append(order_id)

    with atomic(), Session(engine) as session, bound(session), atomic():
        session.begin()
        paid.send(None, order_id=1)
        session.commit()
        assert calls == [1]
        assert ran == []
    assert ran == [1]
    with pytest.raises(BoundaryError, match="'books'"):
        paid.send(None, order_id=2)


class Routing(Session):
    """It chooses its engine itself, and needs a mapper for that."""

    def get_bind(self, mapper, **options):  # type: ignore[override]
        return self.info["engine"]


class Default(Session):
    """It chooses its engine itself, also without a mapper."""

    def get_bind(self, mapper=None, **options):
        return self.info["engine"]


def sharded(engine):
    return ShardedSession(
        shards={"one": engine},
        shard_chooser=lambda *args, **options: "one",
        identity_chooser=lambda *args, **options: ["one"],
        execute_chooser=lambda context: ["one"],
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda engine: Session(binds={Tag: engine}),
        lambda engine: Routing(info={"engine": engine}),
        lambda engine: Default(info={"engine": engine}),
        sharded,
    ],
    ids=["binds", "connection", "get_bind", "shards"],
)
def test_using_names_any_engine_of_a_session(engine, make):
    """`using` finds an engine in each way in which a session can know it."""
    alias(engine, "tags")
    calls = []

    @receiver(paid, delivery=on_commit(using="tags"))
    def note(sender, order_id, **kwargs):
        calls.append(order_id)

    with make(engine) as session, bound(session):
        session.add(Tag(name="t"))
        if type(session) is Routing:
            session.flush()
        paid.send(None, order_id=1)
        assert calls == []
        session.commit()
        assert calls == [1]


def test_explain_names_the_session(session, ran):
    """explain() shows the part of the rule, and whether a transaction is open."""
    assert "at once" in str(explain(paid, session=session))
    session.begin()
    calls = str(explain(paid, session=session))
    assert "after the commit of the Session on 'default': the session it was sent with" in calls
    with bound(session):
        assert "the innermost in this context" in str(explain(paid))
    order = Order(number="1")
    session.add(order)
    assert "the session of its instance" in str(explain(paid, instance=order))


@pytest.mark.parametrize("end", [Session.close, Session.expunge_all])
@pytest.mark.parametrize("kind", [Session, SignalSession])
def test_an_instance_that_a_receiver_has_expunged(engine, kind, end):
    """A receiver waits for the session that flushes, also if an earlier one took the instance out."""
    ran = []

    @receiver(post_save, sender=Order)
    def take_out(instance, **kwargs):
        with suppress(IllegalStateChangeError):  # a receiver must not close the session
            end(object_session(instance))

    @receiver(post_save, sender=Order, delivery=on_commit)
    def note(instance, session, **kwargs):
        assert instance in session
        ran.append(instance.number)

    with kind(engine) as session:
        session.add(Order(number="1"))
        session.flush()
        session.rollback()
        assert ran == []
        session.add(Order(number="2"))
        session.commit()
    assert ran == ["2"]
