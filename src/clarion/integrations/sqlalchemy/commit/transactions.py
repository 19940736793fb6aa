"""The calls that wait for each transaction and savepoint of a session.

`after_commit` only notes the commit. At that time the connection is still checked out, no SQL can be
executed, and an exception would leave the session unusable. The calls run when the root
transaction has ended. A released savepoint passes its calls to the transaction around it. A
transaction or savepoint drops its calls if it is rolled back, or if its session is closed without
an event. `savepoints` finds savepoints that the session does not know.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from weakref import ref

from sqlalchemy.util import concurrency

from clarion._core.names import counted
from clarion.commit import abandon_calls, active_boundaries, drop_calls, run_calls
from clarion.commit.atomic_block import AtomicBlock
from clarion.commit.run import drop_rolled_back
from clarion.integrations.sqlalchemy.commit.outcomes import (
    INTERRUPTED,
    may_be_made,
    reason_to_abandon,
    unwatch_commits,
    watch_commits,
)
from clarion.integrations.sqlalchemy.commit.outer_savepoints import joined_connections
from clarion.integrations.sqlalchemy.commit.savepoints import open_savepoints, root_of
from clarion.integrations.sqlalchemy.commit.sessions import ignores_outer, options_of
from clarion.integrations.sqlalchemy.commit.snapshots import Snapshots, read_missing
from clarion.integrations.sqlalchemy.commit.unknown_writes import unwatch_writes, watch_writes
from clarion.integrations.sqlalchemy.send import in_greenlet

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session, SessionTransaction

    from clarion.commit import PendingCall
    from clarion.integrations.sqlalchemy.commit.outcomes import Outcomes
    from clarion.integrations.sqlalchemy.commit.sessions import ConnectionOptions

logger = logging.getLogger("clarion")


class TransactionCalls:
    """The calls that wait for the end of one transaction, or of one savepoint.

    Attributes:
        calls: the calls, in the order of the sends.
        is_committed: whether it was committed. It may still be open.
        connections: after the commit, the connections that it has used, each with whether
            it is the session's own.
        outcomes: the outcomes of the COMMITs of these connections; empty for a savepoint.
        written: the names of the tables of `unknown_writes`; empty for a savepoint.
    """

    __slots__ = ("__weakref__", "calls", "connections", "is_committed", "outcomes", "written")

    def __init__(self) -> None:
        self.calls: list[PendingCall] = []
        self.is_committed = False
        self.connections: list[tuple[Connection, bool]] = []
        self.outcomes: Outcomes = {}
        self.written: set[str] = set()

    def give_up(self) -> None:
        """Drop the calls; abandon them if a COMMIT was made or may have been made."""
        reason = INTERRUPTED if self.is_committed else reason_to_abandon(self.outcomes)
        if reason is None:
            drop_calls(self.calls)
        else:
            abandon_calls(self.calls, reason, is_made=reason == INTERRUPTED)

    def interrupt(self) -> None:
        """Give up the calls now, while an exception may keep the transaction for long."""
        self.give_up()
        self.calls = []

    def __del__(self) -> None:
        # An interrupt may come before the session reports the end of its transaction.
        if self.calls and (self.is_committed or may_be_made(self.outcomes)):
            self.give_up()


# An attribute of the transaction itself, so that an unused session is collected with its calls. A
# weak dictionary would keep every transaction alive, because its calls refer to it.
_KEY = "_clarion_calls"


def calls_of(transaction: SessionTransaction) -> TransactionCalls:
    """Return the calls that wait for a transaction or a savepoint."""
    found: TransactionCalls | None = transaction.__dict__.get(_KEY)
    if found is None:
        found = transaction.__dict__[_KEY] = TransactionCalls()
    return found


def add_call(session: Session, call: PendingCall) -> None:
    """Add a call to the innermost savepoint, or to the transaction."""
    transaction = _innermost(session)
    ended = calls_of(transaction)
    call.boundary_data = Snapshots(session, call.arguments)
    call.savepoints = open_savepoints(transaction, call.arguments)
    if ended.is_committed and not transaction.nested:
        # A listener of `after_commit` is sending. The session has not expired its instances yet.
        call.boundary_data.keep(ended.written)
    root = root_of(transaction)
    _watch(session, root, calls_of(root))
    ended.calls.append(call)


def _watch(session: Session, root: SessionTransaction, waiting: TransactionCalls) -> None:
    """Watch the connections of a transaction for which calls wait."""
    watch_commits(root, waiting.outcomes, ref(waiting))
    watch_writes(session, root, waiting.written)


def _innermost(session: Session) -> SessionTransaction:
    found = session.get_nested_transaction() or session.get_transaction()
    assert found is not None, "no transaction is open"  # noqa: S101
    return found


def after_begin(session: Session, transaction: SessionTransaction, _: Connection) -> None:
    """Watch a connection that a session begins to use while calls wait already."""
    root = root_of(transaction)
    waiting: TransactionCalls | None = root.__dict__.get(_KEY)
    if waiting is not None:
        _watch(session, root, waiting)


def after_commit(session: Session) -> None:
    """Note that a transaction or a savepoint was committed."""
    transaction = _innermost(session)
    # Create the entry even if no call waits, because a later listener of this event may send.
    ended = calls_of(transaction)
    ended.is_committed = True
    if not transaction.nested:
        ended.connections = [(each[0], each[3]) for each in transaction._connections.values()]
        # Now, because the session expires its instances next.
        for call in ended.calls:
            call.boundary_data.keep(ended.written)


def after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    """Run, pass on or drop the calls of a transaction or a savepoint."""
    ended: TransactionCalls | None = transaction.__dict__.pop(_KEY, None)
    if ended is None:
        return
    try:
        unwatch_commits(transaction, ended.outcomes)
        if transaction.parent is None:
            unwatch_writes(session, transaction)
        if not ended.is_committed:
            ended.give_up()
        elif transaction.nested:
            calls_of(_around(transaction)).calls += ended.calls
        elif ended.calls:
            _end_committed(session, ended)
        ended.calls = []
    finally:
        # Calls are left only after an interrupt.
        ended.give_up()


def _end_committed(session: Session, ended: TransactionCalls) -> None:
    """Run the calls of a transaction that was committed, or pass them on."""
    drop_rolled_back(ended.calls)
    calls = [call for call in ended.calls if call.scheduled.outcome is None]
    _copy_instances(session, calls, options_of(session, ended.connections))
    used = [connection for connection, _ in ended.connections]
    joined: list[Connection] = []
    if ignores_outer.get():
        for call in calls:
            call.boundary_data.connections = used
    else:
        joined = joined_connections(session, used)
    if joined:
        _pass_to_block(calls, joined)
    else:
        run_calls(calls, concurrency.await_only if in_greenlet() else None)


def _copy_instances(session: Session, calls: list[PendingCall], options: ConnectionOptions) -> None:
    read_missing(session, [call.boundary_data for call in calls], options)
    for call in calls:
        call.boundary_data.options = options
        call.arguments = call.boundary_data.copy_into(call.arguments)


def _around(savepoint: SessionTransaction) -> SessionTransaction:
    """Return the savepoint or transaction around a savepoint."""
    found = savepoint.parent
    while found is not None and not found.nested and found.parent is not None:
        found = found.parent
    assert found is not None, "a savepoint is in a transaction"  # noqa: S101
    return found


def _pass_to_block(calls: list[PendingCall], joined: list[Connection]) -> None:
    """Pass calls to the `atomic(connection)` block; drop them if no such block exists."""
    for active in active_boundaries():
        block = active.boundary
        if not isinstance(block, AtomicBlock) or _sync(block.connection) not in joined:
            continue
        if block.is_open() and block.try_pass(calls):
            return
    drop_calls(calls)
    logger.warning(
        "%s dropped: their session has joined a transaction of a connection, "
        "whose commit cannot be seen. Begin it by `with clarion.commit.atomic(connection)`; "
        "in tests, use clarion.testing.commits().",
        counted(len(calls), "receiver was", "receivers were"),
    )


def _sync(connection: Any) -> Any:
    return getattr(connection, "sync_connection", connection)
