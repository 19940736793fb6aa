"""Async sessions and async receivers after the commit."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session

from clarion import on_commit, receiver
from clarion.background import Engine, EngineDelivery
from clarion.errors import ArgumentError, RunningLoopError
from clarion.integrations.sqlalchemy import (
    bound,
    post_save,
)
from tests.integrations.sqlalchemy.commit.paid import Undo, paid
from tests.integrations.sqlalchemy.shop import Order, Tag
from tests.integrations.sqlalchemy.test_send import opened, run


def test_async_receivers_are_awaited_at_the_commit(kind):
    """`AsyncSession.commit()` awaits them in order with the sync ones."""
    calls = []

    @receiver(post_save, sender=Order, delivery=on_commit)
    async def awaited(instance, session, **kwargs):
        await asyncio.sleep(0)
        session.add(Tag(name=instance.number))
        calls.append(("async", type(session)))

    @receiver(post_save, sender=Order, delivery=on_commit)
    def called(instance, session, **kwargs):
        calls.append(("sync", session.scalar(select(func.count()).select_from(Order))))

    async def story(session):
        session.add(Order(number="7"))
        await session.flush()
        assert calls == []
        await session.commit()
        assert calls == [("sync", 1), ("async", AsyncSession)]
        assert (await session.scalars(select(Tag.name))).all() == ["7"]

    run(story, kind=kind)


def test_sends_wait_for_an_async_session(ran):
    """`send` and `asend` wait for a named or bound async session, and a rollback drops the calls."""

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


class LoopEngine(Engine):
    """Gets calls on the event loop only, as the engines of async brokers."""

    name = "the engine of a loop"

    def __init__(self):
        self.got = []

    def enqueue(self, call):
        raise AssertionError(f"{call.receiver} blocks the event loop")

    async def aenqueue(self, call):
        await asyncio.sleep(0)
        self.got.append((call.receiver, asyncio.get_running_loop()))


def test_engines_get_calls_on_the_event_loop():
    """After `AsyncSession.commit()` an engine is awaited, for asend, send and the signals of a flush."""
    engine = LoopEngine()

    def mail(sender, **kwargs):
        raise AssertionError("called")

    paid.connect(mail, delivery=EngineDelivery(engine)(name="mail"))
    post_save.connect(mail, sender=Order, delivery=EngineDelivery(engine)(name="saved"))

    async def story(session):
        await session.begin()
        await paid.asend(None, order_id=1, session=session)
        paid.send(None, order_id=2, session=session)
        session.add(Order(number="7"))
        await session.flush()
        assert engine.got == []
        await session.commit()
        loop = asyncio.get_running_loop()
        assert engine.got == [("mail", loop), ("mail", loop), ("saved", loop)]

    run(story)


def test_without_a_transaction_asend_runs_receivers_at_once():
    """Without a transaction `asend` runs sync receivers at once, with a session that can await below."""
    calls = []

    @receiver(paid, delivery=on_commit)
    def called(sender, session, **kwargs):
        calls.append(session.scalar(text("SELECT 1")))

    @receiver(paid, delivery=on_commit)
    async def awaited(sender, session, **kwargs):
        calls.append(await session.scalar(text("SELECT 2")))

    async def story(session):
        await paid.asend(None, order_id=1, session=session)
        assert calls == [1, 2]

    run(story)


def test_async_scoped_sessions(ran):
    """Sends wait for the session of an async scope."""

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
    """In an event loop, a sync session refuses async receivers with the cure before it calls any."""
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


def test_an_async_receiver_cannot_request_a_sync_session(engine, ran):
    """An async receiver that requests a session is refused, even if the send names a sync one."""

    @receiver(paid, delivery=on_commit)
    async def awaited(sender, session, **kwargs):
        raise AssertionError("called")

    with Session(engine) as session:
        session.begin()
        with pytest.raises(ArgumentError, match="has no async one to give"):
            paid.send(None, order_id=1, session=session)
        session.commit()
    assert ran == [1]


def test_a_bound_async_scoped_session_is_followed(ran):
    """Sends wait for the session of the task, in a thread of the task, too."""

    @receiver(paid)
    def in_a_thread(sender, order_id, **kwargs):
        if order_id == 1:
            paid.send(None, order_id=2)

    async def main():
        async with opened() as opened_session:
            scoped = async_scoped_session(
                async_sessionmaker(opened_session.bind), asyncio.current_task
            )
            async with bound(scoped) as given:
                assert given is scoped
                assert not scoped.registry.has()
                async with scoped.begin():
                    await paid.asend(None, order_id=0)
                    await paid.asend(None, order_id=1)
                    assert ran == []
                assert sorted(ran) == [0, 1, 2]
                await scoped.remove()
                await scoped.begin()
                await paid.asend(None, order_id=3)
                await scoped.rollback()
                await scoped.remove()
            assert len(ran) == 3

    asyncio.run(main())


def test_async_with_bound():
    """`async with bound(session)` returns the session."""

    async def story(session):
        async with bound(session) as given:
            assert given is session

    run(story)
