"""Sessions that have joined the transaction of a connection."""

import gc
import logging
from contextlib import nullcontext, suppress

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clarion import on_commit, receiver
from clarion.commit import atomic
from clarion.integrations.sqlalchemy import post_save
from clarion.testing import commits
from tests.integrations.sqlalchemy.commit.paid import Undo, paid
from tests.integrations.sqlalchemy.shop import Order, Tag, count


def test_calls_of_a_joined_session_are_dropped_with_a_warning(engine, kind, ran, caplog):
    """Calls of a joined session are dropped with a warning, because Clarion cannot see the outer COMMIT."""
    join = {"join_transaction_mode": "create_savepoint"}
    with engine.connect() as connection, connection.begin(), kind(connection, **join) as session:
        session.add(Tag(name="t"))
        paid.send(None, order_id=1, session=session)
        with caplog.at_level(logging.WARNING, "clarion"):
            session.commit()
    assert ran == []
    assert "atomic(connection)" in caplog.text


def test_calls_of_a_joined_session_wait_for_atomic(engine, kind, ran):
    """Calls of a session joined to an `atomic(connection)` block run at that block's commit."""
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
def test_commits_ignores_the_outer_transaction(engine, kind, ran, mode):
    """In commits() receivers run at the end of the session's own transaction, and savepoints count."""
    with engine.connect() as connection:
        around = connection.begin()
        connection.exec_driver_sql("BEGIN")  # the driver would wait for the first INSERT
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


def test_commits_runs_receivers_of_receivers(engine, ran):
    """In commits() a receiver's session joins the test's transaction, and its own sends are delivered."""

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


MODES = ["conditional_savepoint", "rollback_only", "create_savepoint"]


@pytest.mark.parametrize("mode", MODES)
def test_a_session_joins_by_get_bind(engine, kind, ran, caplog, mode):
    """A session without a bind has joined if `get_bind` returns a connection in a transaction."""
    with engine.connect() as connection, connection.begin():

        class Joined(kind):  # type: ignore[valid-type,misc]
            def get_bind(self, *args, **kwargs):
                return connection

        with Joined(join_transaction_mode=mode) as session:
            session.add(Tag(name="t"))
            session.flush()
            paid.send(None, order_id=1, session=session)
            session.commit()
        assert ran == []
        assert "atomic(connection)" in caplog.text


@pytest.mark.parametrize("mode", MODES)
def test_a_receiver_that_fails_undoes_its_own_writes(engine, kind, ran, mode):
    """A failing receiver undoes its own writes; those of the test stay, and its transaction goes on."""

    @receiver(post_save, sender=Order, delivery=on_commit)
    def fail(instance, session, **kwargs):
        session.add(Tag(name="gone"))
        session.flush()
        raise ValueError("no")

    @receiver(post_save, sender=Order, delivery=on_commit)
    def write(instance, session, **kwargs):
        session.add(Tag(name="kept"))

    with engine.connect() as connection:
        around = connection.begin()
        connection.exec_driver_sql("BEGIN")  # the driver would wait for the first INSERT
        with kind(connection, join_transaction_mode=mode) as session, commits():
            session.add(Order(number="1"))
            session.commit()
            assert around.is_active
            assert count(session, Order) == 1
            assert [each.name for each in session.query(Tag)] == ["kept"]
        around.rollback()
    with Session(engine) as session:
        assert (count(session, Order), count(session, Tag)) == (0, 0)


def test_a_savepoint_around_a_joined_session(engine, kind, ran):
    """Rolling back a savepoint around a joined session undoes what the session has committed in it."""
    with engine.connect() as connection:
        with atomic(connection):
            for order_id in (1, 2):
                savepoint = connection.begin_nested()
                with kind(connection, join_transaction_mode="create_savepoint") as session:
                    session.begin()
                    paid.send(None, order_id=order_id, session=session)
                    session.commit()
                savepoint.rollback() if order_id == 1 else savepoint.commit()
            assert ran == []
        assert ran == [2]


@pytest.mark.parametrize("mode", [*MODES, "control_fully"])
@pytest.mark.parametrize("is_inside", [True, False])
@pytest.mark.parametrize("end", ["rollback", "close"])
def test_a_joined_session_that_rolls_back(engine, kind, ran, caplog, mode, is_inside, end):
    """The rollback of a joined session drops its calls; it is no COMMIT that was interrupted."""
    with engine.connect() as connection:
        around = connection.begin()
        with commits() if is_inside else nullcontext():
            with kind(connection, join_transaction_mode=mode) as session:
                session.add(Tag(name="t"))
                session.flush()
                ((_, scheduled),) = paid.send(None, order_id=1, session=session)
                getattr(session, end)()
            del session
            gc.collect()
        if around.is_active:
            around.rollback()
    assert (ran, scheduled.status, caplog.text) == ([], "dropped", "")
