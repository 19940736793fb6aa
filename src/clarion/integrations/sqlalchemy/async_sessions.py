"""Recognize async sessions without importing SQLAlchemy's asyncio extension.

SQLAlchemy 2.1 cannot import the extension without greenlet, which sync programs need not
have. While no module has imported the extension, no async session exists.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
    from sqlalchemy.orm import Session

_EXTENSION = "sqlalchemy.ext.asyncio"


def async_session(session: Session) -> AsyncSession | None:
    """Return the async session that a sync session belongs to, or None."""
    if _EXTENSION not in sys.modules:
        return None
    from sqlalchemy.ext.asyncio import async_session

    return async_session(session)


def is_async_session(value: object) -> TypeGuard[AsyncSession]:
    """Return whether a value is an `AsyncSession`."""
    return _is_a(value, "AsyncSession")


def is_async_scoped_session(value: object) -> TypeGuard[async_scoped_session[Any]]:
    """Return whether a value is an `async_scoped_session`."""
    return _is_a(value, "async_scoped_session")


def is_async_sessionmaker(value: object) -> TypeGuard[async_sessionmaker[Any]]:
    """Return whether a value is an `async_sessionmaker`."""
    return _is_a(value, "async_sessionmaker")


def _is_a(value: object, name: str) -> bool:
    # A second thread may be importing the extension: then the class is not there yet.
    kind = getattr(sys.modules.get(_EXTENSION), name, None)
    return kind is not None and isinstance(value, kind)
