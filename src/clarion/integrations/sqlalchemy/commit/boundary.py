"""The transactions of a session as a boundary."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.util import concurrency

from clarion.commit import Boundary, run_at_once
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy.aliases import alias_of
from clarion.integrations.sqlalchemy.async_sessions import async_session
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
from clarion.integrations.sqlalchemy.commit.write_connections import (
    async_session_connection,
    check_rows,
    choose_bind,
    session_connection,
    subjects_of,
)
from clarion.integrations.sqlalchemy.send import in_greenlet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.orm import Session

    from clarion.commit import PendingCall
    from clarion.integrations.sqlalchemy.commit.sessions import ConnectionOptions
    from clarion.integrations.sqlalchemy.commit.snapshots import Snapshots


class SessionBoundary(Boundary):
    """The transactions of one session."""

    has_sessions = True

    def __init__(self, session: Session, alias: str | None = None) -> None:
        self.session = session
        self.owner: object = None  # keeps the async session alive
        self._alias = alias
        self._subjects: list[Any] = []
        self._is_joined: bool | None = None  # of a send: whether a transaction was open before it

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name for error messages and `explain`."""
        kind = "Session" if async_session(self.session) is None else "AsyncSession"
        bind = self.session.bind
        return f"the {kind}" if bind is None else f"the {kind} on {alias_of(bind.engine)!r}"

    def is_open(self) -> bool:
        """Return whether the session is in a transaction."""
        return self.session.in_transaction() if self._is_joined is None else self._is_joined

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
        elif call.is_awaited or async_session(self.session) is None:
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

    def for_send(self, arguments: Mapping[str, Any]) -> SessionBoundary:
        """Return this boundary with the instances of a send, which may select one of its engines.

        A function of the send may read an expired attribute, and the session then begins a transaction
        that has no COMMIT. So whether a transaction is open is asked here, before.

        Raises:
            BoundaryError: if an object is of a database that the session does not have.
        """
        check_rows(self.session, arguments)
        found = SessionBoundary(self.session, self._alias)
        found.owner, found._subjects = self.owner, subjects_of(self.session, arguments)
        found._is_joined = self.session.in_transaction()
        return found

    def joined_connection(self) -> Connection | None:
        """Return the connection of the open transaction; None if it has to be awaited or begun."""
        if async_session(self.session) is not None or not self._joins():
            return None
        return self.session.connection(bind_arguments={"bind": self._bind()})

    def write_connection(self) -> AbstractContextManager[Connection]:
        """Return a context manager that yields the connection of the open transaction.

        Without an open transaction, it begins a short one of its own.

        Raises:
            BoundaryError: if the session has several engines, and the send names none.
        """
        return session_connection(self.session, self._bind(), is_joined=self._joins())

    @asynccontextmanager
    async def awrite_connection(self) -> AsyncGenerator[Connection | AsyncConnection]:
        """Return an async context manager, as `write_connection`."""
        if async_session(self.session) is None:
            with self.write_connection() as connection:
                yield connection
            return
        bind = await concurrency.greenlet_spawn(self._bind)  # a ShardedSession connects
        is_joined = self._joins()
        async with async_session_connection(self.session, bind, is_joined=is_joined) as opened:
            yield opened

    def _joins(self) -> bool:
        return self.is_open() and self.session.in_transaction()

    def _bind(self) -> Engine | Connection:
        return choose_bind(self.session, self._alias, self._subjects)

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
