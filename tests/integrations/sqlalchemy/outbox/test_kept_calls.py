"""Calls of engines that a test keeps, whose payload refers to a row of an async session."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from clarion import Signal
from clarion.background import ExecutorDelivery
from clarion.commit.providers import providers
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy import alias, bound
from clarion.integrations.sqlalchemy.commit.provider import SessionProvider
from clarion.outbox.adapters import CoreConnection
from clarion.outbox.tables import create_tables
from clarion.testing import adrain, assert_enqueued, commits, without_engines
from tests.integrations.sqlalchemy.shop import Base, Tag

calls: list[str] = []
tag_added = Signal(name="shop.tag_added")


def write(sender, tag, session, **kwargs):
    """Write a tag beside the one that was sent."""
    calls.append(tag.name)
    sync = getattr(session, "sync_session", session)
    sync.add(Tag(name=f"{tag.name} again"))


async def awrite(sender, tag, session, **kwargs):
    """Write as `write`."""
    write(sender, tag, session)


@pytest.fixture(autouse=True)
def _without_django(monkeypatch):
    """Leave out the default database of the Django project of other tests."""
    found = [each for each in providers() if isinstance(each, SessionProvider)]
    monkeypatch.setattr("clarion.background.databases.providers", lambda: found)


@pytest.fixture(params=[write, awrite])
def receiver(request):
    """Return a receiver of an engine."""
    calls.clear()
    with ThreadPoolExecutor(1) as pool:
        delivery = ExecutorDelivery(pool)(name="write")
        with tag_added.connected(request.param, delivery=delivery):
            yield request.param


@pytest.fixture
def engine(tmp_path):
    """Return an async engine."""
    made = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    alias(made, "kept calls")
    return made


@asynccontextmanager
async def joined(engine):
    """Yield a session on the connection of a test, whose transaction is rolled back."""
    async with engine.connect() as connection, connection.begin() as whole:
        await _create(connection)
        async with AsyncSession(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        await whole.rollback()
    await engine.dispose()


@asynccontextmanager
async def of_engine(engine):
    """Yield a session on an engine."""
    async with engine.begin() as connection:
        await _create(connection)
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


async def _create(connection):
    await connection.run_sync(Base.metadata.create_all)
    await connection.run_sync(lambda each: create_tables(CoreConnection(each)))


async def _add(session):
    """Add a row, and send it."""
    tag = Tag(name="new")
    session.add(tag)
    await session.flush()
    await tag_added.asend(None, tag=tag)
    await session.commit()


@pytest.mark.parametrize("opened", [joined, of_engine])
def test_a_test_finds_and_makes_a_call(engine, receiver, opened):
    """assert_enqueued loads the row, and adrain gives it and a session to the receiver."""

    async def main():
        async with opened(engine) as session:
            with bound(session), without_engines():
                async with commits():
                    await _add(session)
                    (found,) = await session.run_sync(lambda _: assert_enqueued(receiver))
                    assert found["tag"].name == "new"
                    assert calls == []
                    assert await adrain() == {"made": 1}
                    assert calls == ["new"]
            assert await session.get(Tag, 2) is not None

    asyncio.run(main())


def test_commits_makes_a_call(engine, receiver):
    """The end of commits() makes the calls that no engine has got."""

    async def main():
        async with joined(engine) as session:
            with bound(session):
                async with commits():
                    await _add(session)
                    assert calls == []
            assert calls == ["new"]

    asyncio.run(main())


def test_outside_of_the_session_the_error_says_how_to_call_it(engine, receiver):
    """Only a coroutine can use the connection of the test, and the error names the cure."""

    async def main():
        async with joined(engine) as session:
            with bound(session), without_engines():
                async with commits():
                    await _add(session)
                    with pytest.raises(BoundaryError, match=r"await session\.run_sync"):
                        assert_enqueued(receiver)
                    await adrain()

    asyncio.run(main())
