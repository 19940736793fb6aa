"""Every kind of session has a sync one inside."""

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion.integrations.sqlalchemy.session_types import sync_session


def test_a_sync_session_is_itself():
    """Also the one of a scope."""
    session = Session()
    assert sync_session(session) is session
    scoped = scoped_session(sessionmaker())
    assert sync_session(scoped) is scoped()


def test_an_async_session_has_one():
    """Also the one of a scope."""
    session = AsyncSession()
    assert sync_session(session) is session.sync_session
    scoped = async_scoped_session(async_sessionmaker(), lambda: 1)
    assert sync_session(scoped) is scoped().sync_session


def test_other_values_have_none():
    """A send may have any value as its `session`."""
    assert sync_session("session") is None
