"""The kinds of session that SQLAlchemy has: sync, async and scoped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sqlalchemy.orm import Session, scoped_session

from clarion.integrations.sqlalchemy.async_sessions import is_async_scoped_session, is_async_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

AnySession: TypeAlias = "Session | scoped_session[Any] | AsyncSession | async_scoped_session[Any]"


def sync_session(given: Any) -> Session | None:
    """Return the sync session inside a session of any kind, or None."""
    if isinstance(given, Session):
        return given
    if isinstance(given, scoped_session) or is_async_scoped_session(given):
        given = cast("Callable[[], object]", given)()
    if is_async_session(given):
        return given.sync_session
    return given if isinstance(given, Session) else None


def is_scoped(given: Any) -> bool:
    """Return whether a value is a scoped session, sync or async."""
    return isinstance(given, scoped_session) or is_async_scoped_session(given)


def session_of_scope(scoped: Any) -> Session | None:
    """Return the sync session that a scoped session has in this scope, without making one.

    Raises:
        RuntimeError: if there is no scope here, such as a task.
    """
    return sync_session(scoped) if scoped.registry.has() else None
