"""Calls that engines get after the commit of an AsyncSession: its event loop goes on meanwhile."""

import asyncio
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clarion import Signal
from clarion.background import Engine, EngineDelivery

pytest.importorskip("aiosqlite")


def mail(sender, **kwargs):
    """Do nothing: no worker calls it."""


class OnLoop(Engine):
    """Has an async client, and keeps the loop of each call."""

    def __init__(self):
        self.made = []

    def enqueue(self, call):
        """Keep a call of sync code."""
        self.made.append((call.uid, None))

    async def aenqueue(self, call):
        """Keep a call, and the loop that makes it."""
        await asyncio.sleep(0)
        self.made.append((call.uid, asyncio.get_running_loop()))


class Waiting(Engine):
    """Waits for a task of the event loop."""

    holds_thread = True

    def __init__(self):
        self.begun, self.released = threading.Event(), threading.Event()

    def enqueue(self, call):
        """Wait in a thread of the delivery."""
        self.begun.set()
        self.released.wait()


def connected(engine):
    """Return a signal with one receiver that the engine carries out."""
    signal = Signal(name="shop.order_paid")
    signal.connect(mail, delivery=EngineDelivery(engine, hold=60)(name="mail"))
    return signal


def test_an_async_session_awaits_the_engine():
    """The engine gets each call on the loop of the commit, in order, and none of a rollback."""
    engine = OnLoop()
    signal = connected(engine)

    async def main():
        made = create_async_engine("sqlite+aiosqlite://")
        async with AsyncSession(made) as session:
            await session.execute(text("SELECT 1"))
            first = (await signal.asend(None, session=session))[0][1]
            second = signal.send(None, session=session)[0][1]
            assert engine.made == []
            await session.commit()
            await session.execute(text("SELECT 1"))
            await signal.asend(None, session=session)
            await session.rollback()
        await made.dispose()
        assert (first.status, second.status) == ("enqueued", "enqueued")
        loop = asyncio.get_running_loop()
        assert engine.made == [(first.uid, loop), (second.uid, loop)]

    asyncio.run(main())


def test_tasks_run_while_an_engine_is_waited_for():
    """A commit that waits for a broker does not stop the other tasks of its event loop."""
    engine = Waiting()
    signal = connected(engine)

    async def release():
        await asyncio.to_thread(engine.begun.wait)
        engine.released.set()

    async def main():
        made = create_async_engine("sqlite+aiosqlite://")
        task = asyncio.create_task(release())
        async with AsyncSession(made) as session:
            await session.execute(text("SELECT 1"))
            ((_, response),) = await signal.asend(None, session=session)
            await session.commit()
        await task
        await made.dispose()
        assert response.status == "enqueued"

    asyncio.run(main())


def test_a_cancelled_commit_ends_its_wait():
    """A task that is cancelled while it waits for the engine ends at once, and the call is logged."""
    engine = Waiting()
    signal = connected(engine)

    async def commit(session):
        await session.commit()

    async def main():
        made = create_async_engine("sqlite+aiosqlite://")
        async with AsyncSession(made) as session:
            await session.execute(text("SELECT 1"))
            ((_, response),) = await signal.asend(None, session=session)
            task = asyncio.create_task(commit(session))
            await asyncio.to_thread(engine.begun.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await made.dispose()
        engine.released.set()
        assert response.status == "failed"

    asyncio.run(main())


def test_a_sync_session_calls_the_engine(engine):
    """A sync session cannot await, also where an event loop runs."""
    recorded = OnLoop()
    signal = connected(recorded)

    async def main():
        with Session(engine) as session:
            session.execute(text("SELECT 1"))
            ((_, response),) = signal.send(None, session=session)
            session.commit()
        assert recorded.made == [(response.uid, None)]

    asyncio.run(main())
