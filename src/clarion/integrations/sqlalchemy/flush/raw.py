"""Fixtures and imports: receivers get `raw=True` and should take the rows as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from clarion._core.block_end import AsyncBlock
from clarion._core.names import value_name
from clarion._core.unentered import Enterable
from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy.async_sessions import is_async_scoped_session, is_async_session
from clarion.integrations.sqlalchemy.session_types import is_scoped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from clarion.integrations.sqlalchemy.session_types import AnySession

_KEY = "clarion_raw"


class _Entry:
    """One entry of a `raw` block; `info` of the session has those that are open."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def begin(self) -> None:
        """Send `raw=True` from now on."""
        info = self._session.info
        info[_KEY] = (*info.get(_KEY, ()), self)

    def stop(self) -> None:
        """Send it no more."""
        info = self._session.info
        info[_KEY] = tuple(each for each in info.get(_KEY, ()) if each is not self)

    def end(self, error: Sequence[object]) -> None:
        """Flush, unless an exception leaves the block."""
        if error[0] is None:
            self._session.flush()
        self.stop()

    async def aend(self, error: Sequence[object]) -> None:
        """Flush, as `end`."""
        if error[0] is None:
            await self._session.flush()
        self.stop()

    def interrupt(self, error: BaseException) -> None:  # noqa: ARG002
        """Stop after an error of the flush, or an interrupt."""
        self.stop()

    async def ainterrupt(self, error: BaseException) -> None:
        """Stop, as `interrupt`."""
        self.interrupt(error)


class raw(AsyncBlock, Enterable):  # noqa: N801  # it reads as a word: `with raw(session):`
    """Send `raw=True` to receivers during a session's flushes inside the block.

    Entering the block flushes what was added before it. Leaving it without an exception
    flushes what was added in it. An AsyncSession takes `async with`.

    Args:
        session: the session, of any kind.

    Raises:
        ArgumentError: if it is no session, or if an async session is given to a plain `with`
            or a sync one to `async with`.
    """

    def __init__(self, session: AnySession) -> None:
        if not (isinstance(session, Session) or is_scoped(session) or is_async_session(session)):
            raise ArgumentError(
                f"raw() was given {value_name(session)}, which is no session. Give one."
            )
        self._session: Any = session
        self._is_async = is_async_session(session) or is_async_scoped_session(session)
        self.unentered = "raw(session)"

    def __enter__(self) -> Self:
        self.unentered = None
        if self._is_async:
            raise ArgumentError(
                "raw() was given an async session. Write `async with raw(session)`."
            )
        self._session.flush()
        self._begin()
        return self

    async def __aenter__(self) -> Self:
        self.unentered = None
        if not self._is_async:
            raise ArgumentError("raw() was given a sync session. Write `with raw(session)`.")
        await self._session.flush()
        self._begin()
        return self

    def _begin(self) -> None:
        entry = _Entry(self._session)
        self.enter(entry, entry.begin, depth=4)


def is_raw(session: Session) -> bool:
    """Return whether a session is inside a `raw` block."""
    return bool(session.info.get(_KEY))
