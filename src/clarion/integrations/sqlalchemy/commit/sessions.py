"""A new session for one receiver, on the same engines as the one that has committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy.async_sessions import async_session

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session


def new_session(like: Session) -> Session:
    """Return a new sync session with the class, engines and options of another."""
    return type(like)(bind=like.bind, binds=binds_of(like), **_options(like))


def new_async_session(like: Session) -> AsyncSession:
    """Return a new async session like the one that a sync session belongs to.

    Raises:
        ArgumentError: if it belongs to no async session.
    """
    owner = async_session(like)
    if owner is None:
        raise ArgumentError(
            "An async receiver requests a session after the commit of a sync one. Make the "
            "receiver sync, or use an AsyncSession."
        )
    # These are async engines. SQLAlchemy 2.0 has no attribute for an argument not given.
    bind: Any = getattr(owner, "bind", None)
    binds: dict[Any, Any] = getattr(owner, "binds", None) or {}
    return type(owner)(bind=bind, binds=binds, sync_session_class=type(like), **_options(like))


def binds_of(session: Session) -> dict[Any, Any]:
    """Return the engines that a session has for single classes and tables."""
    # Public since SQLAlchemy 2.1.
    binds: dict[Any, Any] = getattr(session, "binds", None) or getattr(
        session, "_Session__binds", {}
    )
    return dict(binds)


def _options(session: Session) -> dict[str, Any]:
    return {
        "autoflush": session.autoflush,
        "expire_on_commit": session.expire_on_commit,
        "twophase": session.twophase,
    }
