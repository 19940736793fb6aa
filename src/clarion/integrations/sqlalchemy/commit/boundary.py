"""The transactions of a session as a boundary, and `bound`, which puts it into the context."""

from __future__ import annotations

import warnings
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import ref

from sqlalchemy import inspect
from sqlalchemy.orm import Session
from sqlalchemy.util import concurrency

from clarion._core.names import value_name
from clarion.commit import ActiveBoundary, Boundary, active_boundaries, run_at_once
from clarion.errors import ArgumentError, BoundaryError
from clarion.integrations.sqlalchemy.aliases import alias_of
from clarion.integrations.sqlalchemy.async_sessions import async_session, is_async_scoped_session
from clarion.integrations.sqlalchemy.commit.outer_savepoints import (
    async_outer_savepoints,
    outer_savepoints,
)
from clarion.integrations.sqlalchemy.commit.savepoints import check_not_aborted
from clarion.integrations.sqlalchemy.commit.sessions import (
    async_transaction_of,
    ignores_outer,
    transaction_of,
)
from clarion.integrations.sqlalchemy.commit.transactions import add_call
from clarion.integrations.sqlalchemy.send import in_greenlet
from clarion.integrations.sqlalchemy.session_types import (
    is_scoped,
    session_of_scope,
    sync_session,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from clarion.commit import PendingCall
    from clarion.integrations.sqlalchemy.commit.sessions import ConnectionOptions
    from clarion.integrations.sqlalchemy.commit.snapshots import Snapshots
    from clarion.integrations.sqlalchemy.session_types import AnySession

S = TypeVar("S", bound="AnySession")


class SessionBoundary(Boundary):
    """The transactions of one session."""

    has_sessions = True

    def __init__(self, session: Session) -> None:
        self.session = session
        self.owner: object = None  # keeps the async session alive

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name for error messages and `explain`."""
        kind = "Session" if async_session(self.session) is None else "AsyncSession"
        bind = self.session.bind
        return f"the {kind}" if bind is None else f"the {kind} on {alias_of(bind.engine)!r}"

    def is_open(self) -> bool:
        """Return whether the session is in a transaction."""
        return self.session.in_transaction()

    def can_await(self) -> bool:
        """Return whether an AsyncSession will commit."""
        return in_greenlet() or async_session(self.session) is not None

    def gives_session(self, *, is_async: bool) -> bool:
        """Return whether it can give a session; an async receiver gets only an AsyncSession."""
        return not is_async or async_session(self.session) is not None

    def add_call(self, call: PendingCall) -> None:
        """Run a call after the commit of the innermost savepoint or transaction."""
        add_call(self.session, call)

    async def aschedule(self, call: PendingCall) -> bool:
        """Add a call if a transaction is open; otherwise run it as after a commit."""
        if self.is_open():
            self.add_call(call)
        elif call.registration.is_async or async_session(self.session) is None:
            return False
        else:
            # The session of a sync receiver may await, so the receiver runs in a greenlet.
            await concurrency.greenlet_spawn(run_at_once, call)
        return True

    def check_savepoint(self) -> None:
        """Refuse a sync send in the transaction of an AsyncSession, except in `run_sync`."""
        if async_session(self.session) is not None and not in_greenlet():
            raise BoundaryError(f"The savepoints of {self.name} are awaited. Use asend_robust().")

    @contextmanager
    def receiver_savepoint(self) -> Generator[None]:
        """Return a savepoint of the session; begin a transaction if no transaction is open."""
        with self.session.begin_nested() as nested:
            yield
            check_not_aborted(nested)

    @asynccontextmanager
    async def areceiver_savepoint(self) -> AsyncGenerator[None]:
        """Return an async context manager, as `receiver_savepoint`."""
        owner = async_session(self.session)
        if owner is None:
            with self.receiver_savepoint():
                yield
        else:
            async with owner.begin_nested() as nested:
                yield
                await concurrency.greenlet_spawn(check_not_aborted, nested.sync_transaction)

    def call_receiver(self, call: PendingCall) -> Any:
        """Call a receiver; give it a new session if it requests one."""
        if not ignores_outer.get():
            return self._call_receiver(call)
        with outer_savepoints(self.session, _connections_of(call)):
            return self._call_receiver(call)

    def _call_receiver(self, call: PendingCall) -> Any:
        if not call.bound.requests_session:
            return super().call_receiver(call)
        with transaction_of(self.session, _copies_of(call), _options_of(call)) as session:
            return call.receiver(**{**call.call_arguments(), "session": session})

    async def acall_receiver(self, call: PendingCall) -> Any:
        """Await a receiver; give it a new async session if it requests one."""
        if not ignores_outer.get():
            return await self._acall_receiver(call)
        async with async_outer_savepoints(self.session, _connections_of(call)):
            return await self._acall_receiver(call)

    async def _acall_receiver(self, call: PendingCall) -> Any:
        if not call.bound.requests_session:
            return await super().acall_receiver(call)
        if not self.gives_session(is_async=True):  # the parameter `session` has a default
            arguments = {
                name: each for name, each in call.call_arguments().items() if name != "session"
            }
            return await call.receiver(**arguments)
        opened = async_transaction_of(self.session, _copies_of(call), _options_of(call))
        async with opened as session:
            return await call.receiver(**{**call.call_arguments(), "session": session})


def _options_of(call: PendingCall) -> ConnectionOptions:
    """Return the execution options of the transaction of a call."""
    snapshots: Snapshots | None = call.boundary_data
    return {} if snapshots is None else snapshots.options


def _connections_of(call: PendingCall) -> list[Connection]:
    """Return the connections that the transaction of a call has used; only in a test."""
    snapshots: Snapshots | None = call.boundary_data
    return [] if snapshots is None else snapshots.connections


def _copies_of(call: PendingCall) -> list[Any]:
    """Return the copies in a call's arguments that have a row, one for each row.

    Merged sends of one row share the last copy, because a session holds one instance of a row.
    """
    found: dict[Any, Any] = {}
    for each in (call, *reversed(call.merged)):
        snapshots: Snapshots | None = each.boundary_data
        # A call that ran at once has no snapshots: it gets the instances themselves.
        for copied in () if snapshots is None else snapshots.persistent:
            shared = found.setdefault(inspect(copied).key, copied)
            each.arguments = {
                name: shared if value is copied else value for name, value in each.arguments.items()
            }
    return list(found.values())


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

    def _choose(self, call: PendingCall) -> SessionBoundary | None:
        """Return the boundary of the session of this scope, and set it on the call."""
        boundary = self.current()
        if boundary is None:
            if not call.bound.requests_session:
                return None
            # The call runs at once, with a new session like those of the scope.
            made = self._scoped.session_factory()
            boundary = SessionBoundary(made if isinstance(made, Session) else made.sync_session)
            boundary.owner = made
        call.boundary = boundary
        return boundary


class bound(Generic[S]):  # noqa: N801  # it reads as a word: `with bound(session):`
    """Bind a session to the context: sends that name no other wait for its commits.

    The session of a scoped session is looked up at each send, so `remove()` may replace it.
    Both `with` and `async with` return the session.

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
        self._active = ActiveBoundary(boundary)

    def __enter__(self) -> S:
        self._active.enter()
        return self._session

    def __exit__(self, *error: object) -> None:
        is_visible = self._active.is_visible_here()
        self._active.leave()
        if not is_visible:
            warnings.warn(
                "bound() was left in another context than it was entered in, so sends between did "
                "not wait for its commits. Put the SignalMiddleware of clarion.integrations.asgi "
                "around the application, or make the dependency async.",
                RuntimeWarning,
                stacklevel=2,
            )

    async def __aenter__(self) -> S:
        return self.__enter__()

    async def __aexit__(self, *error: object) -> None:
        self.__exit__(*error)


def bound_sessions() -> Iterator[SessionBoundary]:
    """Yield the sessions that are bound to the context, innermost first."""
    for active in active_boundaries():
        boundary = active.boundary
        if isinstance(boundary, ScopedBoundary):
            boundary = boundary.current() or boundary
        if isinstance(boundary, SessionBoundary):
            yield boundary
