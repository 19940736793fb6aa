"""Sync and async receivers: which are awaited, where, and which are refused."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from clarion import receiver
from clarion.errors import RunningLoopError
from clarion.integrations.sqlalchemy import (
    SignalSession,
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_save,
)
from clarion.testing import capture, muted
from tests.integrations.sqlalchemy.shop import Base, Book, Customer, Order, Tag


@asynccontextmanager
async def opened(url="sqlite+aiosqlite://", kind=Session):
    """Open an async session of an empty database."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    maker = async_sessionmaker(engine, sync_session_class=kind, expire_on_commit=False)
    async with maker() as session:
        yield session
    await engine.dispose()


def run(function, **options):
    """Run an async function with a session."""

    async def main():
        async with opened(**options) as session:
            await function(session)

    asyncio.run(main())


def test_async_receivers_are_awaited(kind):
    """In an AsyncSession, async receivers are awaited before and after the flush."""
    calls: list[Any] = []

    @receiver(pre_save, sender=Order)
    async def before(instance, **kwargs):
        await asyncio.sleep(0)
        instance.note = "set"

    @receiver([post_save, post_delete], sender=Order)
    async def after(instance, **kwargs):
        await asyncio.sleep(0)
        calls.append(kwargs.get("created"))

    async def work(session):
        order = Order(number="1")
        session.add(order)
        await session.commit()
        assert await session.scalar(select(Order.note)) == "set"
        await session.delete(order)
        await session.commit()

    run(work, kind=kind)
    assert calls == [True, None]


def test_async_receivers_may_use_the_session(kind):
    """After the flush async receivers may query and add, one after another."""
    calls: list[Any] = []

    def use(name):
        async def use(instance, **kwargs):
            session = sessions[0]
            calls.append((name, await session.scalar(select(func.count()).select_from(Order))))
            await session.refresh(instance, ["customer"])

        return use

    for name in "ab":
        post_save.connect(use(name), sender=Order)
    sessions = []

    async def work(session):
        sessions.append(session)
        session.add(Order(number="1", customer=Customer(name="c")))
        await session.commit()

    run(work, kind=kind)
    assert calls == [("a", 1), ("b", 1)]


def test_sync_receivers_may_lazy_load(kind):
    """Sync receivers may load lazily, because they run in SQLAlchemy's greenlet."""
    calls: list[Any] = []

    @receiver(post_save, sender=Customer)
    def load(instance, **kwargs):
        calls.append(len(instance.orders))

    @receiver(post_save, sender=Customer)
    async def wait(instance, **kwargs):
        await asyncio.sleep(0)
        calls.append("async")

    async def work(session):
        session.add(Customer(name="c"))
        await session.commit()

    run(work, kind=kind)
    assert calls == [0, "async"]


def test_relationships_and_rows(kind):
    """Async receivers of m2m_changed and post_init are awaited, too."""
    calls: list[Any] = []

    @receiver(m2m_changed, sender=Book.tags)
    async def linked(action, **kwargs):
        await asyncio.sleep(0)
        calls.append(action)

    async def work(session):
        session.add(Book(title="b", tags={Tag(name="t")}))
        await session.commit()
        session.expunge_all()

        @receiver(post_init, sender=Tag)
        async def made(instance, **kwargs):
            await asyncio.sleep(0)
            calls.append(instance.name)

        await session.scalar(select(Tag))

    run(work, kind=kind)
    assert calls == ["pre_add", "post_add", "t"]


def test_errors_of_async_receivers_are_raised():
    """The error of an async receiver has a note, and a SignalSession's transaction stays open."""

    @receiver(post_save, sender=Order)
    async def fail(**kwargs):
        await asyncio.sleep(0)
        raise ValueError("no")

    async def work(session):
        session.add(Order(number="1"))
        with pytest.raises(ValueError, match="no") as raised:
            await session.flush()
        assert "fail" in raised.value.__notes__[0]
        await session.commit()
        assert await session.scalar(select(func.count()).select_from(Order)) == 1

    run(work, kind=SignalSession)


def test_a_sync_session_in_a_running_loop_refuses(engine):
    """A sync session in a running loop refuses async receivers before it calls any, with the cure."""
    calls: list[Any] = []
    post_save.connect(lambda **kwargs: calls.append(1), sender=Order)

    @receiver(post_save, sender=Order)
    async def late(**kwargs):
        calls.append(2)

    async def work():
        with Session(engine) as session:
            session.add(Order(number="1"))
            with pytest.raises(RunningLoopError, match="Use an AsyncSession, or connect a sync"):
                session.commit()
            session.rollback()
            with muted(late):
                session.add(Order(number="1"))
                session.commit()

    asyncio.run(work())
    assert calls == [1]


def test_a_sync_session_without_a_loop_runs_them(engine):
    """Without a running loop a sync session runs async receivers on the thread's event loop."""
    calls: list[Any] = []

    @receiver(post_save, sender=Order)
    async def late(**kwargs):
        await asyncio.sleep(0)
        calls.append(kwargs["created"])

    with Session(engine) as session:
        session.add(Order(number="1"))
        session.commit()
    assert calls == [True]


def test_captured_and_once_in_an_async_session():
    """A watched send takes the same path."""
    calls: list[Any] = []

    @receiver(post_save, sender=Tag, once=True)
    async def first(instance, **kwargs):
        calls.append(instance.name)

    async def work(session):
        with capture(post_save) as sent:
            for name in "ab":
                session.add(Tag(name=name))
                await session.commit()
        assert len(sent) == 2
        assert sent[0].responses == [(first, None)]

    run(work)
    assert calls == ["a"]


def test_a_cancelled_receiver_leaves_a_session_to_roll_back():
    """The session must be rolled back, as after any cancellation in a flush."""

    @receiver(post_save, sender=Tag)
    async def hang(**kwargs):
        await asyncio.sleep(60)

    async def work(session):
        session.add(Tag(name="t"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await session.commit()
        await session.rollback()
        assert await session.scalar(select(func.count()).select_from(Tag)) == 0

    run(work)
