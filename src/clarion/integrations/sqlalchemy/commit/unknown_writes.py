"""Statements that change rows without the knowledge of the session.

A session does not know the values that `update()` writes with `synchronize_session=False`, or that an
upsert, a Core statement or `text()` writes. It has the former values until it expires them, at its
commit. So these statements are noted once a call waits, and the copies of the call are read from the
rows. Statements of the driver cannot be seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

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
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_FIRST_WORD = re.compile(r"[\s(]*(\w*)")
_WRITES = {"UPDATE", "INSERT", "MERGE", "REPLACE", "WITH", "CALL", "EXEC", "EXECUTE", "DO"}

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
        if watched is None:
            watched = connection.__dict__[_EXECUTE] = _WatchedExecute(connection)
        watched.tables[session] = tables


def unwatch_writes(session: Session, transaction: SessionTransaction) -> None:
    """Undo `watch_writes` on the connections of a transaction that has ended."""
    for connection, _, _, _ in transaction._connections.values():
        watched: _WatchedExecute | None = connection.__dict__.get(_EXECUTE)
        if watched is not None:
            watched.tables.pop(session, None)
            if not watched.tables:
                del connection.__dict__[_EXECUTE]


def is_written(mapper: Mapper[Any], tables: Collection[str]) -> bool:
    """Return whether a noted statement may have changed a row of a mapper."""
    return bool(tables) and (ANY in tables or any(_name(each) in tables for each in mapper.tables))


class _WatchedExecute:
    """Executes a statement, and notes its table.

    Attributes:
        tables: the tables of each session that uses the connection.
    """

    __slots__ = ("_connection", "tables")

    def __init__(self, connection: Connection) -> None:
        # Weak: a reference cycle would return the connection to its pool late.
        self._connection = ref(connection)
        self.tables: WeakKeyDictionary[Session, set[str]] = WeakKeyDictionary()

    def __call__(self, statement: Any, parameters: Any, options: Any) -> Any:
        connection: Any = self._connection()
        result = getattr(connection.__class__, _EXECUTE)(connection, statement, parameters, options)
        table = _unknown_table(statement, options)
        if table is not None:
            for session, tables in self.tables.items():
                if not session._flushing:  # a session knows what its own flush writes
                    tables.add(table)
        return result


def _unknown_table(statement: Any, options: Any) -> str | None:
    """Return the name of the table in which a statement may change rows; None if it changes none."""
    if isinstance(statement, FromStatement):
        statement = statement.element
    if isinstance(statement, TextClause):
        return ANY if _may_write(statement.text) else None
    if isinstance(statement, Update):
        of_update = options.get(_UPDATE_OPTIONS)
        is_known = getattr(of_update, "_synchronize_session", None) in _SYNCHRONIZED
        return None if is_known else _name(statement.table)
    if isinstance(statement, Insert):
        # Otherwise it changes no row that exists.
        may_update = statement._post_values_clause is not None or statement._prefixes
        return _name(statement.table) if may_update else None
    return None


def _may_write(sql: str) -> bool:
    """Return whether a statement may change rows, by its first word. `WITH` may come before any."""
    word = _FIRST_WORD.match(_COMMENT.sub(" ", sql))
    return word is not None and word[1].upper() in _WRITES


def _name(table: Any) -> str:
    return str(getattr(table, "fullname", ANY))
