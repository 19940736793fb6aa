"""Fixtures and imports send `raw=True`."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, sessionmaker

from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy import m2m_changed, post_save, pre_save, raw
from tests.integrations.sqlalchemy.shop import Base, Book, Tag


def test_objects_added_in_the_block_are_raw(session, recorded):
    """Objects added in the block are raw, and those added before or after it are not."""
    recorded.listen(pre_save, post_save)
    session.add(Tag(name="before"))
    with raw(session), raw(session):
        session.add(Tag(name="in"))
    session.add(Tag(name="after"))
    session.commit()
    calls = [(named["instance"].name, named["raw"]) for named in recorded.take()]
    assert calls[::2] == calls[1::2] == [("before", False), ("in", True), ("after", False)]


def test_relationships_are_raw_too(session, recorded):
    """In the block m2m_changed has `raw=True`, as in Django 6.1."""
    recorded.listen(m2m_changed)
    with raw(session):
        session.add(Book(title="b", tags={Tag(name="t")}))
    assert [named["raw"] for named in recorded.take()] == [True, True]


def test_an_error_ends_the_block(session, recorded):
    """A block that raises flushes nothing, and later flushes are not raw."""
    recorded.listen(post_save)
    with pytest.raises(ZeroDivisionError), raw(session):
        session.add(Tag(name=str(1 / 0)))
    with suppress(ZeroDivisionError), raw(session):
        session.add(Tag(name="t"))
        _ = 1 / 0
    session.commit()
    assert [named["raw"] for named in recorded.take()] == [False]


def test_async_sessions(recorded):
    """An async session takes `async with`, and a plain `with` is refused with that cure."""
    recorded.listen(post_save)

    async def run():
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            with pytest.raises(ArgumentError, match="Write `async with raw"):
                raw(session).__enter__()
            maker = async_sessionmaker(engine)
            scoped = async_scoped_session(maker, asyncio.current_task)
            with pytest.raises(ArgumentError, match="Write `async with raw"):
                raw(scoped).__enter__()
            async with raw(session):
                session.add(Tag(name="t"))
        await engine.dispose()

    asyncio.run(run())
    assert [named["raw"] for named in recorded.take()] == [True]


def test_other_objects_are_refused(engine, session):
    """An object that is no session is refused before the block, with the cure."""
    others: list[Any] = [sessionmaker(engine), Session, engine, None]
    for given in others:
        with pytest.raises(ArgumentError, match="is no session"):
            raw(given)

    async def run():
        with pytest.raises(ArgumentError, match="Write `with raw"):
            await raw(session).__aenter__()

    asyncio.run(run())
