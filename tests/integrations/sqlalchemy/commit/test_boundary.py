"""After the commit of a session, its savepoints, and the sessions around it."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import create_engine, event, func, insert, select, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import StaticPool

from clarion import Signal, on_commit, receiver
from clarion.commit import atomic
from clarion.errors import ArgumentError, BoundaryError, RunningLoopError
from clarion.integrations.sqlalchemy import (
    alias,
    bound,
    post_bulk_insert,
    post_delete,
    post_save,
    pre_save,
)
from clarion.introspect import explain
from clarion.testing import commits
from tests.integrations.sqlalchemy.shop import Base, Order, Tag
from tests.integrations.sqlalchemy.test_send import opened, run

paid = Signal()


class Undo(Exception):  # noqa: N818
    """Rolls a block back."""


@pytest.fixture
def ran():
    """Return a list of the order_ids that a receiver has heard of after a commit."""
    found = []
    paid.connect(lambda sender, order_id, **kw: found.append(order_id), delivery=on_commit)
    return found


# --- Which transaction ------------------------------------------------------------------


def test_receivers_wait_for_the_commit_of_the_session(session, ran):
    """A send names its session; where that is in no transaction they run at once."""
    paid.send(None, order_id=1, session=session)
    assert ran == [1]
    session.add(Tag(name="t"))
    ((_, scheduled),) = paid.send(None, order_id=2, session=session)
    assert (scheduled.status, scheduled.boundary) == ("waiting", "the Session on 'default'")
    session.commit()
    assert ran == [1, 2]
    assert scheduled.status == "ran"


def test_a_rollback_drops_them(session, ran):
    """Also a session that is closed without a word."""
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


def test_model_signals_wait_for_the_session_of_their_instance(session):
    """The mail for an order that does not exist is not sent."""
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
    """They have no instance, and a `using` that is the engine's, not Django's."""
    told = []

    @receiver(post_bulk_insert, sender=Tag, delivery=on_commit)
    def note(rowcount, **kwargs):
        told.append(rowcount)

    session.execute(insert(Tag), [{"name": "1"}, {"name": "2"}])
    session.bulk_save_objects([Tag(name="3")])
    assert told == []
    session.commit()
    assert told == [2, 1]


def test_a_session_is_bound_to_the_context(engine, ran):
    """The innermost holds, and a session that the send names holds before it."""
    with Session(engine) as outer, Session(engine) as inner, bound(outer), bound(inner):
        outer.begin()
        inner.begin()
        paid.send(None, order_id=1)
        paid.send(None, order_id=2, session=outer)
        inner.commit()
        assert ran == [1]
        outer.commit()
    assert ran == [1, 2]


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


def test_using_names_the_engine(engine, ran):
    """By the alias of the engine that a bound session is on."""
    alias(engine, "books")
    told = []

    @receiver(paid, delivery=on_commit(using="books"))
    def note(sender, order_id, **kwargs):
        told.append(order_id)

    with atomic(), Session(engine) as session, bound(session), atomic():
        session.begin()
        paid.send(None, order_id=1)
        session.commit()
        assert told == [1]
        assert ran == []
    assert ran == [1]
    with pytest.raises(BoundaryError, match="'books'"):
        paid.send(None, order_id=2)


def test_explain_tells_which_session(session, ran):
    """And by which part of the rule, and whether it is in a transaction."""
    assert "at once" in str(explain(paid, session=session))
    session.begin()
    told = str(explain(paid, session=session))
    assert "after the commit of the Session on 'default': the session it was sent with" in told
    with bound(session):
        assert "the innermost in this context" in str(explain(paid))
    order = Order(number="1")
    session.add(order)
    assert "the session of its instance" in str(explain(paid, instance=order))


# --- Savepoints -------------------------------------------------------------------------


def test_a_released_savepoint_is_no_commit(session, ran):
    """What was sent in it waits on, in the order of the sends."""
    with session.begin():
        paid.send(None, order_id=1, session=session)
        with session.begin_nested():
            paid.send(None, order_id=2, session=session)
            with session.begin_nested():
                paid.send(None, order_id=3, session=session)
            paid.send(None, order_id=4, session=session)
        paid.send(None, order_id=5, session=session)
        assert ran == []
    assert ran == [1, 2, 3, 4, 5]


def test_a_savepoint_that_is_rolled_back_drops_its_own(session, ran):
    """Those released into it, too; what is around it stays."""
    with session.begin():
        paid.send(None, order_id=1, session=session)
        with suppress(Undo), session.begin_nested():
            with session.begin_nested():
                paid.send(None, order_id=2, session=session)
            raise Undo
        paid.send(None, order_id=3, session=session)
    assert ran == [1, 3]


def test_savepoints_that_are_open_are_committed_with_the_session(session, ran):
    """The commit of the session ends them first."""
    session.begin()
    session.begin_nested()
    paid.send(None, order_id=1, session=session)
    session.begin_nested()
    paid.send(None, order_id=2, session=session)
    session.commit()
    assert ran == [1, 2]


def test_a_flush_that_fails_in_a_savepoint(session, ran):
    """It takes the savepoint along, not the transaction."""
    with session.begin():
        session.add(Tag(id=1, name="t"))
        paid.send(None, order_id=1, session=session)
        with suppress(IntegrityError), session.begin_nested():
            paid.send(None, order_id=2, session=session)
            session.execute(text("INSERT INTO tag (id, name) VALUES (1, 'again')"))
    assert ran == [1]


def test_a_send_from_inside_a_flush(session):
    """It is in the savepoint that was open when the flush began."""
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


# --- Commits that fail, and failing receivers -------------------------------------------


def test_a_commit_that_fails_runs_nothing(kind, ran):
    """A deferred constraint is checked by the COMMIT; its error reaches the caller."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    event.listen(engine, "connect", lambda made, record: made.execute("PRAGMA foreign_keys=ON"))
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER "
                "REFERENCES child (id) DEFERRABLE INITIALLY DEFERRED)"
            )
        )
    with kind(engine) as session:
        session.execute(text("INSERT INTO child VALUES (1, 2)"))
        paid.send(None, order_id=1, session=session)
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()
        assert ran == []
        session.execute(text("INSERT INTO child VALUES (1, NULL)"))
        paid.send(None, order_id=2, session=session)
        session.commit()
    assert ran == [2]
    engine.dispose()


def test_a_failing_receiver_stops_nobody(session, ran, caplog):
    """The caller of commit hears nothing; it is logged without a value, and counted."""

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
    """It has ended its transaction, and may begin another."""
    with kind(engine) as session:

        @receiver(paid, delivery=on_commit)
        def write(sender, order_id, **kwargs):
            session.add(Tag(name=str(order_id)))
            session.commit()

        session.begin()
        paid.send(None, order_id=1, session=session)
        session.commit()
        assert session.scalars(select(Tag.name)).all() == ["1"]


def test_sends_from_receivers_run_in_order(engine, ran):
    """Those of a receiver's own transaction run at its commit, before what comes after it."""
    sent: list[int] = []

    @receiver(paid, delivery=on_commit, priority=1)
    def pass_on(sender, order_id, session, **kwargs):
        sent.append(order_id)
        if order_id < 10:
            paid.send(None, order_id=order_id * 10, session=session)

    with Session(engine) as session, session.begin():
        paid.send(None, order_id=1, session=session)
        paid.send(None, order_id=2, session=session)
    assert sent == [1, 10, 2, 20]
    assert ran == [10, 1, 20, 2]


# --- What receivers are given -----------------------------------------------------------


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


def test_coalescing_keeps_to_the_last(session):
    """One run for each order and commit, in whichever savepoint, over several signals."""
    told = []

    @receiver([pre_save, post_save], sender=Order, delivery=on_commit(coalesce=_number))
    def index(instance, sends, **kwargs):
        told.append((instance.number, instance.amount, len(sends)))

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
    assert told == [("1", 6, 4), ("2", 0, 2)]


def _number(instance, **kwargs):
    return instance.number


# --- Transactions that a session has joined ----------------------------------------------


def test_a_session_that_joined_does_not_commit(engine, kind, ran, caplog):
    """Nobody can see when that transaction is committed, so its receivers are dropped, aloud."""
    join = {"join_transaction_mode": "create_savepoint"}
    with engine.connect() as connection, connection.begin(), kind(connection, **join) as session:
        session.add(Tag(name="t"))
        paid.send(None, order_id=1, session=session)
        with caplog.at_level(logging.WARNING, "clarion"):
            session.commit()
    assert ran == []
    assert "atomic(connection)" in caplog.text


def test_atomic_sees_the_commit_of_what_a_session_joined(engine, kind, ran):
    """It begins the connection's transaction, so it knows how that ends."""
    with engine.connect() as connection:
        with atomic(connection):
            with kind(connection, join_transaction_mode="create_savepoint") as session:
                session.begin()
                paid.send(None, order_id=1, session=session)
                session.commit()
            assert ran == []
        assert ran == [1]
        with suppress(Undo), atomic(connection):
            with kind(connection, join_transaction_mode="create_savepoint") as session:
                session.begin()
                paid.send(None, order_id=2, session=session)
                session.commit()
            raise Undo
    assert ran == [1]


@pytest.mark.parametrize("mode", ["create_savepoint", "conditional_savepoint", "control_fully"])
def test_in_a_test_the_transaction_around_is_absent(engine, kind, ran, mode):
    """`commits()` has receivers run at the end of the session's own, savepoints respected."""
    with engine.connect() as connection:
        around = connection.begin()
        with kind(connection, join_transaction_mode=mode) as session, commits():
            session.add(Tag(name="t"))
            paid.send(None, order_id=1, session=session)
            with suppress(Undo), session.begin_nested():
                paid.send(None, order_id=2, session=session)
                raise Undo
            session.commit()
            assert ran == [1]
        if around.is_active:
            around.rollback()


def test_in_a_test_receivers_of_receivers_run(engine, ran):
    """On a session of their own that joins, too."""

    @receiver(paid, delivery=on_commit)
    def pass_on(sender, order_id, session, **kwargs):
        session.add(Tag(name=str(order_id)))
        if order_id < 3:
            paid.send(None, order_id=order_id + 1, session=session)

    with engine.connect() as connection:
        around = connection.begin()
        join = {"join_transaction_mode": "create_savepoint"}
        with Session(connection, **join) as session, commits():  # type: ignore[arg-type]
            session.begin()
            paid.send(None, order_id=1, session=session)
            session.commit()
            assert sorted(ran) == [1, 2, 3]
            assert session.scalar(select(func.count()).select_from(Tag)) == 3
        around.rollback()
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Tag)) == 0


# --- Async ------------------------------------------------------------------------------


def test_async_receivers_are_awaited_at_the_commit(kind):
    """In order with the sync ones, inside `AsyncSession.commit()`."""
    told = []

    @receiver(post_save, sender=Order, delivery=on_commit)
    async def awaited(instance, session, **kwargs):
        await asyncio.sleep(0)
        session.add(Tag(name=instance.number))
        told.append(("async", type(session)))

    @receiver(post_save, sender=Order, delivery=on_commit)
    def called(instance, session, **kwargs):
        told.append(("sync", session.scalar(select(func.count()).select_from(Order))))

    async def story(session):
        session.add(Order(number="7"))
        await session.flush()
        assert told == []
        await session.commit()
        assert told == [("sync", 1), ("async", AsyncSession)]
        assert (await session.scalars(select(Tag.name))).all() == ["7"]

    run(story, kind=kind)


def test_sends_of_coroutines_wait_for_an_async_session(ran):
    """`send` and `asend`, by its session and by the context; a rollback drops them."""

    async def story(session):
        await session.begin()
        paid.send(None, order_id=1, session=session)
        await paid.asend(None, order_id=2, session=session)
        with bound(session):
            await paid.asend(None, order_id=3)
        assert ran == []
        await session.commit()
        assert ran == [1, 2, 3]
        await session.begin()
        await paid.asend(None, order_id=4, session=session)
        await session.rollback()
        async with session.begin():
            with suppress(Undo):
                async with session.begin_nested():
                    await paid.asend(None, order_id=5, session=session)
                    raise Undo
        assert ran == [1, 2, 3]

    run(story)


def test_in_no_transaction_coroutines_run_receivers_at_once():
    """Sync ones may still be given a session that awaits below."""
    told = []

    @receiver(paid, delivery=on_commit)
    def called(sender, session, **kwargs):
        told.append(session.scalar(text("SELECT 1")))

    @receiver(paid, delivery=on_commit)
    async def awaited(sender, session, **kwargs):
        told.append(await session.scalar(text("SELECT 2")))

    async def story(session):
        await paid.asend(None, order_id=1, session=session)
        assert told == [1, 2]

    run(story)


def test_async_scoped_sessions_count_too(ran):
    """As the session of the scope."""

    async def main():
        async with opened() as opened_session:
            maker = async_sessionmaker(opened_session.bind)
            scoped = async_scoped_session(maker, asyncio.current_task)
            async with scoped.begin():
                await paid.asend(None, order_id=1, session=scoped)
                assert ran == []
            assert ran == [1]
            await scoped.remove()

    asyncio.run(main())


def test_a_sync_session_in_a_loop_refuses_async_receivers(engine):
    """At the send, before anybody is called, and says what to do."""
    called = []
    paid.connect(lambda sender, **kwargs: called.append("sync"))

    @receiver(paid, delivery=on_commit)
    async def awaited(sender, **kwargs):
        called.append("async")

    async def main():
        with Session(engine) as session:
            session.begin()
            with pytest.raises(RunningLoopError, match="Use an AsyncSession"):
                paid.send(None, order_id=1, session=session)
            session.commit()

    asyncio.run(main())
    assert called == []
    with Session(engine) as session:
        session.begin()
        paid.send(None, order_id=1, session=session)
        session.commit()
    assert called == ["sync", "async"]


def test_an_async_receiver_cannot_have_the_session_of_a_sync_one(engine, caplog):
    """It is told so."""

    @receiver(paid, delivery=on_commit)
    async def awaited(sender, session, **kwargs):
        raise AssertionError("called")

    with Session(engine) as session:
        session.begin()
        ((_, scheduled),) = paid.send(None, order_id=1, session=session)
        session.commit()
    assert isinstance(scheduled.response, ArgumentError)


# --- Nobody pays who does not ask ---------------------------------------------------------


def test_nothing_waits_where_nobody_does(session):
    """A transaction without an on_commit receiver is in no book."""
    from clarion.integrations.sqlalchemy.commit import boundary

    paid.connect(lambda sender, **kwargs: None)
    with session.begin():
        session.add(Tag(name="t"))
        paid.send(None, order_id=1, session=session)
        assert len(boundary._waiting) == 0


def test_transactions_are_forgotten(engine, ran):
    """With their end, however they end."""
    from clarion.integrations.sqlalchemy.commit import boundary

    for end in ("commit", "rollback", "close"):
        with Session(engine) as session:
            session.begin()
            session.begin_nested()
            paid.send(None, order_id=1, session=session)
            getattr(session, end)()
        assert len(boundary._waiting) == 0


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


# --- On servers ---------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["twophase_postgres", "mariadb"])
@pytest.mark.service
def test_two_phases_are_one_commit(request, server, kind, ran):
    """What is prepared is not committed yet, and may be rolled back."""
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
