"""Statements that change rows without the knowledge of the session.

A session does not know the values that `update()` writes with `synchronize_session=False`, or that an
upsert, a Core statement or `text()` writes. It has the former values until it expires them, at its
commit. So these statements are noted once a call waits, and the copies of the call are read from the
rows. Statements of the driver cannot be seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from sqlalchemy import Insert, TextClause, Update
from sqlalchemy.orm.context import FromStatement

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection
    from sqlalchemy.orm import Mapper, Session, SessionTransaction

# A method of a connection, by which it executes every statement of SQLAlchemy's.
_EXECUTE = "_execute_clauseelement"

_UPDATE_OPTIONS = "_sa_orm_update_options"
_SYNCHRONIZED = {"evaluate", "fetch"}
_WRITES = ("UPDATE", "INSERT", "MERGE", "REPLACE")

ANY = ""
"""The name of the table of a `text()`, which may be any."""


def watch_writes(session: Session, transaction: SessionTransaction, tables: set[str]) -> None:
    """Note the tables to which such statements write.

    Args:
        session: the session.
        transaction: its outermost transaction.
        tables: the names of the tables. New ones are added to it.
    """
    for connection, _, _, _ in transaction._connections.values():
        watched: _WatchedExecute | None = connection.__dict__.get(_EXECUTE)
        if watched is None or watched.session() is None:  # that session was never closed
            connection.__dict__[_EXECUTE] = _WatchedExecute(session, connection, tables)


def unwatch_writes(transaction: SessionTransaction) -> None:
    """Undo `watch_writes` on the connections of a transaction that has ended."""
    for connection, _, _, _ in transaction._connections.values():
        connection.__dict__.pop(_EXECUTE, None)


def is_written(mapper: Mapper[Any], tables: Collection[str]) -> bool:
    """Return whether a noted statement may have changed a row of a mapper."""
    return bool(tables) and (ANY in tables or any(_name(each) in tables for each in mapper.tables))


class _WatchedExecute:
    """Executes a statement, and notes its table."""

    __slots__ = ("_connection", "_tables", "session")

    def __init__(self, session: Session, connection: Connection, tables: set[str]) -> None:
        # Weak: a reference cycle would return the connection to its pool late.
        self.session = ref(session)
        self._connection = ref(connection)
        self._tables = tables

    def __call__(self, statement: Any, parameters: Any, options: Any) -> Any:
        connection: Any = self._connection()
        result = getattr(connection.__class__, _EXECUTE)(connection, statement, parameters, options)
        session = self.session()
        # The session knows what its own flush writes.
        if session is None or not session._flushing:
            table = _unknown_table(statement, options)
            if table is not None:
                self._tables.add(table)
        return result


def _unknown_table(statement: Any, options: Any) -> str | None:
    """Return the name of the table in which a statement may change rows; None if it changes none."""
    if isinstance(statement, FromStatement):
        statement = statement.element
    if isinstance(statement, TextClause):
        return ANY if statement.text.lstrip().upper().startswith(_WRITES) else None
    if isinstance(statement, Update):
        of_update = options.get(_UPDATE_OPTIONS)
        is_known = getattr(of_update, "_synchronize_session", None) in _SYNCHRONIZED
        return None if is_known else _name(statement.table)
    if isinstance(statement, Insert):
        # Otherwise it changes no row that exists.
        may_update = statement._post_values_clause is not None or statement._prefixes
        return _name(statement.table) if may_update else None
    return None


def _name(table: Any) -> str:
    return str(getattr(table, "fullname", ANY))
