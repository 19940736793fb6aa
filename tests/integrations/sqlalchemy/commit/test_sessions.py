"""A new session like another."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy.commit.sessions import new_async_session, new_session
from tests.integrations.sqlalchemy.shop import Order, Tag


def test_it_is_of_the_same_class_and_engine(engine, kind):
    """It has the options of the other, and its own transaction."""
    maker = sessionmaker(engine, class_=kind, autoflush=False, expire_on_commit=False)
    with maker() as session, new_session(session) as fresh:
        assert type(fresh) is type(session)
        assert fresh is not session
        assert fresh.bind is engine
        assert (fresh.autoflush, fresh.expire_on_commit) == (False, False)


def test_it_has_the_engines_of_the_classes():
    """A session may have several engines."""
    orders, tags = create_engine("sqlite://"), create_engine("sqlite://")
    with Session(binds={Order: orders, Tag: tags}) as session, new_session(session) as fresh:
        assert fresh.get_bind(Order) is orders
        assert fresh.get_bind(Tag) is tags


def test_an_async_session_is_like_its_owner(kind):
    """The sync session inside it has the same class too."""

    class Mine(AsyncSession):
        pass

    engine = create_async_engine("sqlite+aiosqlite://")
    session = Mine(engine, sync_session_class=kind, expire_on_commit=False)
    fresh = new_async_session(session.sync_session)
    assert type(fresh) is Mine
    assert fresh.bind is engine
    assert isinstance(fresh.sync_session, kind)
    assert not fresh.sync_session.expire_on_commit


def test_a_sync_session_has_no_async_one(session):
    """The error says what to do."""
    with pytest.raises(ArgumentError, match="use an AsyncSession"):
        new_async_session(session)
