"""`bound` with a scoped session, whose session is looked up at each send."""

import asyncio
import warnings
from contextvars import copy_context
from threading import Barrier, Thread

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion import on_commit
from clarion.integrations.sqlalchemy import bound, raw
from clarion.integrations.sqlalchemy.commit.bound import bound_sessions
from tests.core.receivers import collect
from tests.integrations.sqlalchemy.commit.outboxes import file_engine, keys, shipped_signal
from tests.integrations.sqlalchemy.commit.paid import paid


def test_the_sessions_of_a_context_are_found_innermost_first(engine):
    """The innermost session comes first, and a scope without a session is left out."""
    scoped = scoped_session(sessionmaker(engine))
    other = sessionmaker(engine)()
    with bound(other), bound(scoped):
        assert [each.session for each in bound_sessions()] == [other]
        inner = scoped()
        assert [each.session for each in bound_sessions()] == [inner, other]
    assert list(bound_sessions()) == []


def test_deliveries_are_stored_by_the_session_of_the_scope(tmp_path):
    """Deliveries are stored by the session of the scope, another one after `remove()`."""
    store, shipped = file_engine(tmp_path / "one.db"), shipped_signal()
    scoped = scoped_session(sessionmaker(store))
    ran = []
    paid.connect(lambda sender, order_id, **kw: ran.append(order_id), delivery=on_commit)
    with bound(scoped):
        for number in (1, 2):
            scoped.begin()
            shipped.send(None, order_id=number)
            paid.send(None, order_id=number)
            assert number not in ran
            scoped.commit()
            scoped.remove()
    assert keys(store) == ["1", "2"]
    assert ran == [1, 2]
    store.dispose()


def test_one_block_can_be_entered_again(engine):
    """Sends wait for the session at the second entry as at the first, and at a nested one."""
    session, ran = Session(engine), []
    paid.connect(lambda sender, order_id, **kw: ran.append(order_id), delivery=on_commit)
    block = bound(session)
    for number in (1, 2):
        with block:
            session.connection()
            paid.send(None, order_id=number)
            assert ran == []
            session.rollback()
    with block:
        with block:
            pass
        session.connection()
        paid.send(None, order_id=3)
        assert ran == []
        session.commit()
    assert ran == [3]
    block.__exit__(None, None, None)  # as a teardown function that is called twice
    assert list(bound_sessions()) == []


def test_threads_share_one_block(tmp_path):
    """A block of a module serves two threads at once: each leaves its own entry."""
    store = file_engine(tmp_path / "one.db")
    scoped = scoped_session(sessionmaker(store))
    block, both, ran = bound(scoped), Barrier(2, timeout=10), []
    paid.connect(lambda sender, order_id, **kw: ran.append(order_id), delivery=on_commit)

    def serve(number):
        with block:
            scoped.connection()
            both.wait()
            if number == 2:
                first.join()
            paid.send(None, order_id=number)
            assert number not in ran
            scoped.commit()
        scoped.remove()

    first, second = (Thread(target=serve, args=(number,)) for number in (1, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first.start()
        second.start()
        second.join()
    assert ran == [1, 2]
    store.dispose()


@pytest.mark.parametrize("block", [bound, raw])
def test_a_block_that_is_never_entered(engine, block):
    """`bound(session)` without `with` gives a warning, of a sync, an async and a scoped session."""
    sessions = [Session(engine), AsyncSession(), scoped_session(sessionmaker(engine))]
    for session in sessions:
        with pytest.warns(
            RuntimeWarning, match=rf"Write `with {block.__name__}\(session\):`"
        ) as caught:
            block(session)
            collect()
        assert [each.filename for each in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with bound(Session(engine)):
            pass
        asyncio.run(entered(block(AsyncSession())))
        collect()


async def entered(block):
    """Enter an async block."""
    async with block:
        pass


@pytest.mark.parametrize("is_async", [False, True])
def test_a_block_that_is_left_in_another_context(engine, is_async):
    """The warning has the line of the program, of a sync and an async block."""

    async def leave():
        await block.__aexit__(None, None, None)

    block = bound(Session(engine))
    copy_context().run(block.__enter__)
    with pytest.warns(RuntimeWarning, match="left in another context") as caught:
        if is_async:
            asyncio.run(leave())
        else:
            block.__exit__(None, None, None)
    assert [each.filename for each in caught] == [__file__]
