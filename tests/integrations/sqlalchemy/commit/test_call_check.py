"""Sends that a receiver could not be called by, among sessions."""

from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion import on_commit, receiver
from clarion.commit import atomic
from clarion.errors import ArgumentError, SignatureError
from clarion.integrations.sqlalchemy import bound, post_save
from clarion.introspect import explain
from tests.integrations.sqlalchemy.commit.paid import paid
from tests.integrations.sqlalchemy.shop import Order
from tests.integrations.sqlalchemy.test_send import run

NO_ASYNC = r"asks for a session, and the Session on 'default' has no async one to give"


def untyped(receiver: Any) -> Any:
    """Return a receiver with parameters that its type cannot declare."""
    return receiver


@untyped
async def needs(sender, session, **kwargs):
    """Require a session."""


def test_a_missing_keyword(session):
    """A send in a session's transaction without a keyword that its receiver needs is refused."""

    @receiver(paid, delivery=on_commit)
    def take(sender, *, missing, **kwargs):
        """Require a keyword."""

    with session.begin(), bound(session), pytest.raises(ArgumentError, match="requires missing"):
        paid.send(None, order_id=1)


def test_a_model_signal_is_checked_at_connect():
    """A receiver of a model signal is checked at connect, because all keywords are declared."""
    for delivery in (on_commit, on_commit(coalesce="instance")):
        with pytest.raises(SignatureError, match="missing"):
            post_save.connect(untyped(lambda sender, *, missing, **kw: None), delivery=delivery)


def test_changes_and_a_session_are_given(session):
    """A receiver may require changes and a session, because the signal and the session give them."""
    found = []

    @receiver(post_save, sender=Order, delivery=on_commit)
    def take(instance, changes, session, **kwargs):
        found.append((session, sorted(changes)))

    session.add(Order(number="7"))
    session.commit()
    ((own, changed),) = found
    assert own is not session
    assert "number" in changed


@pytest.mark.parametrize("make", ["session", "scoped"])
def test_an_async_receiver_in_a_sync_session(make, engine):
    """An async receiver that requires a session is refused where the session is sync."""
    paid.connect(needs, delivery=on_commit)
    maker = sessionmaker(engine)
    session: Any = maker() if make == "session" else scoped_session(maker)
    session.connection()
    with bound(session):
        with pytest.raises(ArgumentError, match=NO_ASYNC):
            paid.send(None, order_id=1)
        assert "never, because it asks for a session" in str(explain(paid))
    session.close()


def test_an_async_receiver_of_a_flush(session):
    """If the flush of a sync session has such a receiver, it raises, and the transaction is rolled back."""
    post_save.connect(needs, sender=Order, delivery=on_commit)
    session.add(Order(number="7"))
    with pytest.raises(ArgumentError, match=NO_ASYNC):
        session.commit()
    session.rollback()
    assert session.query(Order).all() == []


def test_an_async_receiver_that_can_do_without(session):
    """An async receiver with a default for its session runs with the default."""
    found = []

    @receiver([post_save, paid], delivery=on_commit)
    async def take(session=None, **kwargs):
        found.append(session)

    session.add(Order(number="7"))
    session.flush()
    paid.send(None, order_id=1, session=session)
    session.commit()
    assert found == [None, None]


@pytest.mark.parametrize("kind", ["session", "scoped"])
def test_an_async_receiver_in_an_async_session(kind):
    """An async receiver gets an async session of its own, after a commit or at once."""
    found = []

    @receiver(paid, delivery=on_commit)
    async def take(sender, session, **kwargs):
        found.append(type(session))

    async def story(session):
        given: Any = session
        if kind == "scoped":
            maker = async_sessionmaker(session.bind)
            given = async_scoped_session(maker, scopefunc=lambda: 1)
        with bound(given):
            await given.connection()
            await paid.asend(None, order_id=1)
            assert found == []
            await given.commit()
            await paid.asend(None, order_id=2)
        await given.close()

    run(story)
    assert found == [AsyncSession] * 2


def test_a_block_on_a_connection_of_core():
    """In a block on a Core connection, a receiver that requires a session is refused."""
    paid.connect(untyped(lambda session, **kw: None), delivery=on_commit, weak=False)
    engine = create_engine("sqlite://")
    text = r"an atomic\(\) block on a connection of sqlalchemy has none"
    with (
        engine.connect() as connection,
        atomic(connection),
        pytest.raises(ArgumentError, match=text),
    ):
        paid.send(None, order_id=1)
    engine.dispose()


def test_a_session_of_the_send(session):
    """A keyword `session` counts as given only where the send names it."""
    found = []
    paid.connect(lambda session, **kw: found.append(session), delivery=on_commit, weak=False)
    with Session(session.bind) as mine:
        paid.send(None, order_id=1, session=mine)
    assert isinstance(found[0], Session)
