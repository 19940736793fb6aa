"""Fixtures and imports: what is written is to be taken as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from typing import Self

    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
    from sqlalchemy.orm import Session, scoped_session

    AnySession = Session | scoped_session[Any] | AsyncSession | async_scoped_session[Any]

_KEY = "clarion_raw"


class raw:  # noqa: N801  # it reads as a word: `with raw(session):`
    """Have a session's flushes inside the block tell receivers `raw=True`.

    What was added before the block is flushed on entering it, what was added in it on
    leaving it well. An AsyncSession takes `async with`.

    Args:
        session: the session, of whatever kind.

    Raises:
        ArgumentError: if an async session is given to a plain `with`.
    """

    def __init__(self, session: AnySession) -> None:
        self._session: Any = session

    def __enter__(self) -> Self:
        if hasattr(self._session, "sync_session"):
            raise ArgumentError(
                "raw() was given an async session. Write `async with raw(session)`."
            )
        self._session.flush()
        self._begin()
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        try:
            if kind is None:
                self._session.flush()
        finally:
            self._end()

    async def __aenter__(self) -> Self:
        await self._session.flush()
        self._begin()
        return self

    async def __aexit__(self, kind: object, *error: object) -> None:
        try:
            if kind is None:
                await self._session.flush()
        finally:
            self._end()

    def _begin(self) -> None:
        info = self._session.info
        info[_KEY] = info.get(_KEY, 0) + 1

    def _end(self) -> None:
        self._session.info[_KEY] -= 1


def is_raw(session: Session) -> bool:
    """Tell whether a session is in such a block."""
    return bool(session.info.get(_KEY, 0))
