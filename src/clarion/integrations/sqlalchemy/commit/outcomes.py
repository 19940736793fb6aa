"""Find out whether the COMMIT of a session was made, even if it is interrupted.

A cancelled task or a signal handler may interrupt a COMMIT. The database may still make it. In this
case SQLAlchemy emits no event: it closes the connection, or rolls back. So the COMMIT of each
connection is watched as soon as a call waits for it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol
from weakref import ref

from sqlalchemy.engine import NestedTransaction

from clarion.commit.drivers.choose import driver_for
from clarion.commit.drivers.outcome import CommitOutcome
from clarion.errors import TransactionError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import SessionTransaction

# This attribute of a connection holds the outcome of the transaction that is open on it.
_KEY = "_clarion_outcome"
_COMMIT = "_commit_impl"
_COMMITS = (_COMMIT, "_commit_twophase_impl")
_ROLLBACKS = ("_rollback_impl", "_rollback_twophase_impl")
_CLOSE = "close"
_IN_ERROR = 3  # of libpq

INTERRUPTED = "which was interrupted"
_PARTLY = "which was made in a part of its databases only"
_UNKNOWN = "because it is unknown whether the commit was made: it was interrupted"

Outcomes = dict[object, CommitOutcome]


class Waiting(Protocol):
    """What waits for the end of a transaction."""

    def interrupt(self) -> None:
        """Give up what waits, because SQLAlchemy does not report the end any more."""


def watch_commits(transaction: SessionTransaction, outcomes: Outcomes, waiting: ref[Any]) -> None:
    """Note the outcome of the COMMIT of each connection that a session commits.

    A session that has joined a transaction with `create_savepoint` releases a savepoint, which is
    no COMMIT.

    Args:
        transaction: the outermost transaction of the session.
        outcomes: the outcomes, by the transaction of a connection. New ones are added to it.
        waiting: returns the `Waiting` to notify if an interrupt comes while a connection is closed.
    """
    for connection, below, is_committed, _ in transaction._connections.values():
        if is_committed and below not in outcomes and not isinstance(below, NestedTransaction):
            outcomes[below] = connection.__dict__[_KEY] = CommitOutcome(sys.exception())
            for name in _COMMITS:
                connection.__dict__.setdefault(name, _WatchedCommit(connection, name))
            for name in _ROLLBACKS:
                connection.__dict__.setdefault(name, _WatchedRollback(connection, name))
            connection.__dict__[_CLOSE] = _WatchedClose(connection, waiting)


def unwatch_commits(transaction: SessionTransaction, outcomes: Outcomes) -> None:
    """Undo `watch_commits` on the connections of a transaction that has ended."""
    for connection, below, _, _ in transaction._connections.values():
        if below in outcomes:
            for name in (_KEY, *_COMMITS, *_ROLLBACKS, _CLOSE):
                connection.__dict__.pop(name, None)


def may_be_made(outcomes: Outcomes) -> bool:
    """Return whether a COMMIT has begun and may have been made."""
    return any(outcome.is_made is not False for outcome in outcomes.values())


def reason_to_abandon(outcomes: Outcomes) -> str | None:
    """Return why calls are abandoned at the end of a transaction without a commit.

    Returns:
        The reason; None if the transaction was rolled back everywhere.
    """
    made = {outcome.is_made for outcome in outcomes.values()}
    # An interrupt just before a COMMIT makes SQLAlchemy return the connection to its pool without
    # a rollback. Then the next transaction on it may commit the rows.
    is_left_open = not all(outcome.is_judged for outcome in outcomes.values())
    if None in made or is_left_open:
        return _UNKNOWN
    if True in made:
        return INTERRUPTED if made == {True} else _PARTLY
    return None


class _WatchedMethod:
    """A method of a connection that ends a transaction."""

    __slots__ = ("_connection", "_name")

    def __init__(self, connection: Connection, name: str) -> None:
        # Weak: a reference cycle would return the connection to its pool late.
        self._connection = ref(connection)
        self._name = name

    def connection(self) -> Any:
        """Return the connection; it exists during each call."""
        return self._connection()

    def call_original(self, connection: Any, *given: Any) -> None:
        """Call the method of the class."""
        kind: Any = connection.__class__
        getattr(kind, self._name)(connection, *given)


class _WatchedCommit(_WatchedMethod):
    """Commits, and notes the outcome."""

    def __call__(self, *given: Any) -> None:
        connection = self.connection()
        outcome: CommitOutcome = connection.__dict__[_KEY]
        if self._name == _COMMIT and _is_aborted(connection):
            outcome.judge(is_made=False)
            connection.connection.rollback()
            raise TransactionError(
                "The transaction of a session was aborted by an error in it, so nothing can be committed. Let the "
                "error leave the transaction, or put the code that may fail into `session.begin_nested()`."
            )
        outcome.is_begun = True
        try:
            self.call_original(connection, *given)
        except BaseException as error:
            # After a cancellation, SQLAlchemy has closed the connection. The outcome stays unknown.
            with suppress(Exception):
                if not connection.invalidated:
                    driver_for(connection.connection.driver_connection).judge(outcome, error)
                    if outcome.is_made is False:
                        # SQLAlchemy would return the connection to the pool without a rollback.
                        connection.connection.rollback()
            raise
        outcome.judge(is_made=True)


def _is_aborted(connection: Any) -> bool:
    """Return whether PostgreSQL would answer the COMMIT with a rollback, which no driver reports."""
    if connection.dialect.name != "postgresql":
        return False
    raw: Any = connection.connection.driver_connection
    if hasattr(raw, "info"):  # psycopg, and psycopg2
        return bool(raw.info.transaction_status == _IN_ERROR)
    # Other drivers do not say so. Not by SQLAlchemy, so that no listener gets the statement.
    cursor = connection.connection.cursor()
    try:
        cursor.execute("SELECT 1")
    except connection.dialect.loaded_dbapi.Error:
        return True
    finally:
        cursor.close()
    return False


class _WatchedRollback(_WatchedMethod):
    """Rolls back. If no COMMIT has begun, notes that none was made."""

    def __call__(self, *given: Any) -> None:
        connection = self.connection()
        self.call_original(connection, *given)
        outcome: CommitOutcome = connection.__dict__[_KEY]
        if not outcome.is_begun:
            outcome.judge(is_made=False)


class _WatchedClose(_WatchedMethod):
    """Closes, which may reset the connection below. SQLAlchemy reports the end only after that."""

    __slots__ = ("_waiting",)

    def __init__(self, connection: Connection, waiting: ref[Any]) -> None:
        super().__init__(connection, _CLOSE)
        self._waiting = waiting

    def __call__(self) -> None:
        try:
            self.call_original(self.connection())
        except BaseException:
            found: Waiting | None = self._waiting()
            if found is not None:
                found.interrupt()
            raise
