"""The transactions of a scoped session, and `bound`, which puts a session into the context."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import ref

from sqlalchemy.orm import Session

from clarion._core.block_end import AsyncBlock
from clarion._core.callers import warn_caller
from clarion._core.names import value_name
from clarion._core.unentered import Enterable
from clarion.commit import ActiveBoundary, Boundary, active_boundaries
from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy.async_sessions import is_async_scoped_session
from clarion.integrations.sqlalchemy.commit.boundary import SessionBoundary
from clarion.integrations.sqlalchemy.send import in_greenlet
from clarion.integrations.sqlalchemy.session_types import (
    is_scoped,
    session_of_scope,
    sync_session,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping
    from contextlib import AbstractContextManager

    from clarion.commit import PendingCall
    from clarion.integrations.sqlalchemy.session_types import AnySession

S = TypeVar("S", bound="AnySession")

# The scoped boundary whose session was looked up last in this context, and that session.
_last_seen: ContextVar[tuple[ScopedBoundary, ref[Session]] | None] = ContextVar(
    "clarion_scoped_session", default=None
)


class ScopedBoundary(Boundary):
    """The transactions of the session that a scoped session has at the send."""

    has_sessions = True

    def __init__(self, scoped: Any) -> None:
        self._scoped = scoped

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name for error messages and `explain`."""
        current = self.current()
        return "the scoped session" if current is None else current.name

    def current(self) -> SessionBoundary | None:
        """Return the boundary of the session of this scope; None if it has no session."""
        try:
            session = session_of_scope(self._scoped)
        except RuntimeError:
            # A worker thread has no current task, but it has a copy of the task's context.
            seen = _last_seen.get()
            session = None if seen is None or seen[0] is not self else seen[1]()
        if session is None:
            return None
        _last_seen.set((self, ref(session)))
        return SessionBoundary(session)

    def is_open(self) -> bool:
        """Return whether the session of this scope is in a transaction."""
        current = self.current()
        return current is not None and current.is_open()

    def can_await(self) -> bool:
        """Return whether an AsyncSession will commit."""
        return in_greenlet() or is_async_scoped_session(self._scoped)

    def gives_session(self, *, is_async: bool) -> bool:
        """Return whether the session of this scope can give a session."""
        return not is_async or is_async_scoped_session(self._scoped)

    def add_call(self, call: PendingCall) -> None:
        """Run a call after the commit of the session of this scope."""
        boundary = self._choose(call)
        boundary.add_call(call) if boundary else super().add_call(call)

    def schedule(self, call: PendingCall) -> bool:
        """Add a call if the session of this scope is in a transaction."""
        boundary = self._choose(call)
        return boundary is not None and boundary.schedule(call)

    async def aschedule(self, call: PendingCall) -> bool:
        """Add a call as `schedule`, or run it as after a commit."""
        boundary = self._choose(call)
        return boundary is not None and await boundary.aschedule(call)

    def check_savepoint(self) -> None:
        """Refuse a sync send if the session of this scope refuses it."""
        if (current := self.current()) is not None:
            current.check_savepoint()

    def receiver_savepoint(self) -> AbstractContextManager[object]:
        """Return a savepoint of the session of this scope."""
        current = self.current()
        return nullcontext() if current is None else current.receiver_savepoint()

    @asynccontextmanager
    async def areceiver_savepoint(self) -> AsyncGenerator[None]:
        """Return an async context manager, as `receiver_savepoint`."""
        current = self.current()
        async with nullcontext() if current is None else current.areceiver_savepoint():
            yield

    def for_send(self, arguments: Mapping[str, Any]) -> SessionBoundary:
        """Return the boundary of the session of this scope, as `SessionBoundary.for_send`."""
        return (self.current() or self._new()).for_send(arguments)

    def write_connection(self) -> AbstractContextManager[Any]:
        """Return a context manager, as `SessionBoundary.write_connection`."""
        return (self.current() or self._new()).write_connection()

    @asynccontextmanager
    async def awrite_connection(self) -> AsyncGenerator[Any]:
        """Return an async context manager, as `write_connection`."""
        async with (self.current() or self._new()).awrite_connection() as connection:
            yield connection

    def _new(self) -> SessionBoundary:
        """Return the boundary of a new session, like those of the scope."""
        made = self._scoped.session_factory()
        boundary = SessionBoundary(made if isinstance(made, Session) else made.sync_session)
        boundary.owner = made
        return boundary

    def _choose(self, call: PendingCall) -> SessionBoundary | None:
        """Return the boundary of the session of this scope, and set it on the call."""
        boundary = self.current()
        if boundary is None:
            if not call.bound.requests_session:
                return None
            boundary = self._new()  # the call runs at once
        call.boundary = boundary
        return boundary


class _Entry:
    """One entry of a `bound` block."""

    def __init__(self, boundary: Boundary) -> None:
        self.active = ActiveBoundary(boundary)

    def end(self, error: object) -> None:  # noqa: ARG002
        """End the boundary, and warn if sends did not find it."""
        if self.active.is_over:
            return
        is_visible = self.active.is_visible()
        self.active.leave()
        if not is_visible:
            warn_caller(
                "bound() was left in another context than it was entered in, so sends between did "
                "not wait for its commits. Put the SignalMiddleware of clarion.integrations.asgi "
                "around the application, or make the dependency async.",
                RuntimeWarning,
            )

    async def aend(self, error: object) -> None:
        """Do as `end` does."""
        self.end(error)

    def interrupt(self, error: BaseException) -> None:  # noqa: ARG002
        """End the boundary."""
        self.active.leave()

    async def ainterrupt(self, error: BaseException) -> None:
        """End the boundary."""
        self.interrupt(error)


class bound(AsyncBlock, Enterable, Generic[S]):  # noqa: N801  # it reads as a word: `with bound(session):`
    """Bind a session to the context: sends that name no other session wait for its commits.

    The session of a scoped session is looked up at each send, so `remove()` may replace it.
    Both `with` and `async with` return the session. One object can be entered several times, by several
    threads, too: a module may keep `bound(scoped)`.

    Args:
        session: the session, of any kind. A plain `with` works for an async session too.

    Raises:
        ArgumentError: if the argument is not a session.
    """

    def __init__(self, session: S) -> None:
        boundary: Boundary
        if is_scoped(session):
            boundary = ScopedBoundary(session)
        elif (found := sync_session(session)) is not None:
            boundary = SessionBoundary(found)
        else:
            raise ArgumentError(
                f"bound() was given {value_name(session)}, which is no session. Give one."
            )
        self._session = session
        self._boundary = boundary
        self.unentered = "bound(session)"

    def __enter__(self) -> S:
        self._enter()
        return self._session

    async def __aenter__(self) -> S:
        self._enter()
        return self._session

    def _enter(self) -> None:
        self.unentered = None
        entry = _Entry(self._boundary)
        self.enter(entry, entry.active.enter, depth=4)

    def choose(self, entries: tuple[_Entry, ...]) -> _Entry:
        """Return the innermost entry that sends here find, or the last one."""
        mine = {each.active: each for each in entries}
        return next((mine[each] for each in active_boundaries() if each in mine), entries[-1])

    def take(self) -> Any:
        """Return the entry to end; one that has ended if a framework leaves the block twice."""
        try:
            return super().take()
        except AssertionError:
            entry = _Entry(self._boundary)
            entry.active.is_over = True
            return entry


def bound_sessions() -> Iterator[SessionBoundary]:
    """Yield the sessions that are bound to the context, innermost first."""
    for active in active_boundaries():
        boundary = active.boundary
        if isinstance(boundary, ScopedBoundary):
            boundary = boundary.current() or boundary
        if isinstance(boundary, SessionBoundary):
            yield boundary
