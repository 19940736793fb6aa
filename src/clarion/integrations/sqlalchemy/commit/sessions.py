"""A session for one receiver: like the one that has committed, and on the same engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy.async_sessions import async_session

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session


def fresh_session(like: Session) -> Session:
    """Make a sync session with the class, the engines and the ways of another."""
    return type(like)(bind=like.bind, binds=binds_of(like), **_ways(like))


def fresh_async_session(like: Session) -> AsyncSession:
    """Make an async session as the one that a sync session belongs to.

    Raises:
        ArgumentError: if it belongs to none.
    """
    owner = async_session(like)
    if owner is None:
        raise ArgumentError(
            "An async receiver asks for a session after the commit of a sync one. Let it be sync, or "
            "use an AsyncSession."
        )
    # These are async engines. SQLAlchemy 2.0 has no attribute for what it was not given.
    bind: Any = getattr(owner, "bind", None)
    binds: dict[Any, Any] = getattr(owner, "binds", None) or {}
    return type(owner)(bind=bind, binds=binds, sync_session_class=type(like), **_ways(like))


def binds_of(session: Session) -> dict[Any, Any]:
    """Return the engines that a session has for classes and tables of their own."""
    # Public since SQLAlchemy 2.1.
    binds: dict[Any, Any] = getattr(session, "binds", None) or getattr(
        session, "_Session__binds", {}
    )
    return dict(binds)


def _ways(session: Session) -> dict[str, Any]:
    return {
        "autoflush": session.autoflush,
        "expire_on_commit": session.expire_on_commit,
        "twophase": session.twophase,
    }
