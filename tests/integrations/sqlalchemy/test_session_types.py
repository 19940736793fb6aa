"""Every kind of session has a sync one inside."""

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion.integrations.sqlalchemy.session_types import sync_session


def test_a_sync_session_is_itself():
    """A sync session is returned itself, and so is the one of a scope."""
    session = Session()
    assert sync_session(session) is session
    scoped = scoped_session(sessionmaker())
    assert sync_session(scoped) is scoped()


def test_an_async_session_has_one():
    """For an async session, or its scope, the sync session inside it is returned."""
    session = AsyncSession()
    assert sync_session(session) is session.sync_session
    scoped = async_scoped_session(async_sessionmaker(), lambda: 1)
    assert sync_session(scoped) is scoped().sync_session


def test_other_values_have_none():
    """For any other value of `session`, None is returned."""
    assert sync_session("session") is None
