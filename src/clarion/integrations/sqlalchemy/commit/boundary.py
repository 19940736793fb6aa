"""After the commit of a session: what waits for it, and what its receivers are given.

`after_commit` only takes note, for the connection is still checked out then, no SQL can be
executed and an exception would leave the session stuck. What is due runs once the root
transaction has ended. A savepoint hands what waits for it to whatever it is in, or drops it;
so does a session that is closed without a commit, for which no rollback event is fired.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection
from sqlalchemy.orm import Session, object_session, scoped_session
from sqlalchemy.util import concurrency

from clarion.commit import (
    ActiveBoundary,
    Boundary,
    TransactionProvider,
    active_boundaries,
    drop_calls,
    register_provider,
    run_at_once,
    run_calls,
)
from clarion.commit.atomic_block import AtomicBlock
from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy import hooks
from clarion.integrations.sqlalchemy.aliases import alias_of
from clarion.integrations.sqlalchemy.async_sessions import (
    async_session,
    is_async_scoped_session,
    is_async_session,
)
from clarion.integrations.sqlalchemy.commit.sessions import (
    binds_of,
    fresh_async_session,
    fresh_session,
)
from clarion.integrations.sqlalchemy.commit.snapshots import Snapshots, is_mapped
from clarion.integrations.sqlalchemy.model_signal import ModelSignal
from clarion.integrations.sqlalchemy.send import in_greenlet

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sqlalchemy.orm import SessionTransaction

    from clarion._core.signal import Signal
    from clarion.commit import PendingCall
    from clarion.integrations.sqlalchemy.flush.raw import AnySession

logger = logging.getLogger("clarion")

# Whether transactions around sessions count as absent (`clarion.testing.commits`).
_alone: ContextVar[bool] = ContextVar("clarion_sqlalchemy_alone", default=False)


class _Waiting:
    """What waits for the end of one transaction, or of one savepoint."""

    __slots__ = ("calls", "is_committed")

    def __init__(self) -> None:
        self.calls: list[PendingCall] = []
        self.is_committed = False


_waiting: WeakKeyDictionary[SessionTransaction, _Waiting] = WeakKeyDictionary()


class SessionBoundary(Boundary):
    """The transactions of one session."""

    has_sessions = True

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def name(self) -> str:  # type: ignore[override]
        """What to call it."""
        kind = "Session" if async_session(self.session) is None else "AsyncSession"
        bind = self.session.bind
        return f"the {kind}" if bind is None else f"the {kind} on {alias_of(bind.engine)!r}"

    def is_open(self) -> bool:
        """Tell whether the session is in a transaction."""
        return self.session.in_transaction()

    def can_await(self) -> bool:
        """Tell whether it is an AsyncSession that will commit."""
        return in_greenlet() or async_session(self.session) is not None

    def add_call(self, call: PendingCall) -> None:
        """Have a call wait for the innermost savepoint, or for the transaction."""
        transaction = _innermost(self.session)
        if transaction not in _waiting:
            _waiting[transaction] = _Waiting()
        call.boundary_data = Snapshots(self.session, call.arguments)
        _waiting[transaction].calls.append(call)

    async def aschedule(self, call: PendingCall) -> bool:
        """Take a call, if a transaction is open, or run it as it would be after a commit."""
        if self.is_open():
            self.add_call(call)
        elif call.registration.is_async or async_session(self.session) is None:
            return False
        else:
            # A sync receiver of an AsyncSession may be given a session that awaits below it.
            await concurrency.greenlet_spawn(run_at_once, call)
        return True

    def call_receiver(self, call: PendingCall) -> Any:
        """Call a receiver, with a session of its own if it asks for one."""
        if not call.bound.requests_session:
            return super().call_receiver(call)
        with fresh_session(self.session) as session, session.begin():
            session.add_all(_persistent(call))
            return call.receiver(**{**call.call_arguments(), "session": session})

    async def acall_receiver(self, call: PendingCall) -> Any:
        """Await a receiver, with an async session of its own if it asks for one."""
        if not call.bound.requests_session:
            return await super().acall_receiver(call)
        async with fresh_async_session(self.session) as session, session.begin():
            session.add_all(_persistent(call))
            return await call.receiver(**{**call.call_arguments(), "session": session})


def _persistent(call: PendingCall) -> list[Any]:
    # What ran at once has waited for nothing, and is given what was sent.
    snapshots: Snapshots | None = call.boundary_data
    return [] if snapshots is None else snapshots.persistent


def _innermost(session: Session) -> SessionTransaction:
    found = session.get_nested_transaction() or session.get_transaction()
    assert found is not None, "no transaction is open"  # noqa: S101
    return found


def after_commit(session: Session) -> None:
    """Take note that a transaction, or a savepoint, has been committed."""
    transaction = _innermost(session)
    waiting = _waiting.get(transaction)
    if waiting is None:
        return
    waiting.is_committed = True
    if not transaction.nested:
        # What is loaded now will be expired in a moment.
        for call in waiting.calls:
            call.arguments = call.boundary_data.taken(call.arguments)


def after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    """Run, hand on or drop what has waited for a transaction or a savepoint."""
    waiting = _waiting.pop(transaction, None)
    if waiting is None:
        return
    if not waiting.is_committed:
        drop_calls(waiting.calls)
    elif transaction.nested:
        around = _around(transaction)
        _waiting.setdefault(around, _Waiting()).calls += waiting.calls
    elif _alone.get() or (connection := _joined(session)) is None:
        run_calls(waiting.calls, concurrency.await_only if in_greenlet() else None)
    else:
        _hand_over(waiting.calls, connection)


def _around(savepoint: SessionTransaction) -> SessionTransaction:
    """Return the savepoint or the transaction that a savepoint is in."""
    found = savepoint.parent
    while found is not None and not found.nested and found.parent is not None:
        found = found.parent
    assert found is not None, "a savepoint is in a transaction"  # noqa: S101
    return found


def _joined(session: Session) -> Connection | None:
    """Return the connection of a transaction that the session is in, and did not begin."""
    binds: list[Any] = [session.bind, *binds_of(session).values()]
    for bind in binds:
        if isinstance(bind, Connection) and bind.in_transaction():
            return bind
    return None


def _hand_over(calls: list[PendingCall], connection: Connection) -> None:
    """Have an `atomic(connection)` block take what waits for its commit; there is no other way."""
    for scope in active_boundaries():
        block = scope.boundary
        if not isinstance(block, AtomicBlock) or _sync(block.connection) is not connection:
            continue
        if block.is_open() and block.try_add(calls):
            return
    drop_calls(calls)
    logger.warning(
        "%d receivers were dropped: their session has joined a transaction of a connection, "
        "whose commit cannot be seen. Begin it by `with clarion.commit.atomic(connection)`; "
        "in tests, use clarion.testing.commits().",
        len(calls),
    )


def _sync(connection: Any) -> Any:
    return getattr(connection, "sync_connection", connection)


class SessionProvider(TransactionProvider):
    """Finds the session of a send."""

    def install_listeners(self) -> None:
        """Hear of the end of transactions."""
        hooks.commits()

    def boundary_of_send(
        self, signal: Signal, arguments: dict[str, Any]
    ) -> tuple[Boundary, str] | None:
        """Return the session that a send names, that its instance is in, or that is sending."""
        given, instance = arguments.get("session"), arguments.get("instance")
        if given is not None and (session := session_of(given)) is not None:
            return SessionBoundary(session), "the session it was sent with"
        if instance is not None and is_mapped(instance):
            session = object_session(instance)
            if session is not None:
                return SessionBoundary(session), "the session of its instance"
        if isinstance(signal, ModelSignal):
            for boundary in _bound():
                return boundary, "the session that sends it"
        return None

    def boundary_of_alias(self, alias: str) -> Boundary | None:
        """Return the innermost session of the context that is on the engine of an alias."""
        for boundary in _bound():
            bind = boundary.session.bind
            if bind is not None and alias_of(bind.engine) == alias:
                return boundary
        return None

    @contextmanager
    def ignore_outer(self) -> Generator[None]:
        """Count the transactions that sessions have joined as absent."""
        before = _alone.get()
        _alone.set(True)
        try:
            yield
        finally:
            _alone.set(before)


def _bound() -> Generator[SessionBoundary]:
    for scope in active_boundaries():
        if isinstance(scope.boundary, SessionBoundary):
            yield scope.boundary


def session_of(given: Any) -> Session | None:
    """Return the sync session of what may be a session of any kind."""
    if isinstance(given, scoped_session) or is_async_scoped_session(given):
        given = cast("Callable[[], object]", given)()
    if is_async_session(given):
        return given.sync_session
    return given if isinstance(given, Session) else None


class bound:  # noqa: N801  # it reads as a word: `with bound(session):`
    """Bind a session to the context: sends that name no other wait for its commits.

    Args:
        session: the session, of whatever kind; `with` will do for an async one, too.

    Raises:
        ArgumentError: if it is no session.
    """

    def __init__(self, session: AnySession) -> None:
        found = session_of(session)
        if found is None:
            raise ArgumentError(f"bound() was given {session!r}, which is no session. Give one.")
        self._scope = ActiveBoundary(SessionBoundary(found))

    def __enter__(self) -> None:
        self._scope.enter()

    def __exit__(self, *error: object) -> None:
        self._scope.leave()


register_provider(SessionProvider())
