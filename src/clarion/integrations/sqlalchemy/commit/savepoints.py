"""Savepoints that user code sets directly on the connections of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.core_savepoints import foreign_savepoints, is_around
from clarion.integrations.sqlalchemy.binds import engines_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import SessionTransaction

    from clarion.commit.drivers.core_savepoints import ForeignSavepoint


# This attribute of a transaction of the session is a cache. For each of its connections, it holds the
# innermost savepoint at an earlier send, and the savepoints of user code around that one. These stay
# open as long as that savepoint does. So a later send looks only at newer savepoints.
_SEEN = "_clarion_seen_savepoints"

# This attribute of a savepoint of the session holds the session's outermost transaction.
_ROOT = "_clarion_root"


def root_of(transaction: SessionTransaction) -> SessionTransaction:
    """Return the outermost transaction of a session; use the nearest cached value."""
    root: SessionTransaction | None = transaction.__dict__.get(_ROOT)
    level = transaction
    while root is None:
        if level.parent is None:
            return level if level is transaction else _remember(transaction, level)
        level = level.parent
        root = level.__dict__.get(_ROOT)
    return _remember(transaction, root)


def _remember(savepoint: SessionTransaction, root: SessionTransaction) -> SessionTransaction:
    # Not in the root itself: a cycle would keep an unused session alive.
    savepoint.__dict__[_ROOT] = root
    return root


def open_savepoints(
    innermost: SessionTransaction, arguments: Mapping[str, Any] | None = None
) -> list[ForeignSavepoint]:
    """Return the open savepoints that user code has set on a session's connections.

    Args:
        innermost: the innermost savepoint or transaction of the session.
        arguments: those of a send. If they name an engine, the savepoints on other engines do not count.
    """
    found = {
        each: savepoints for each, savepoints in _open_savepoints(innermost).items() if savepoints
    }
    engines = {connection.engine for connection in found}
    if arguments and found and len(root_of(innermost)._connections.values()) > 1:
        engines = engines_of(innermost.session, arguments) or engines
    return [
        savepoint
        for connection, savepoints in found.items()
        if connection.engine in engines
        for savepoint in savepoints
    ]


def _open_savepoints(innermost: SessionTransaction) -> dict[Any, list[ForeignSavepoint]]:
    # Savepoints around the transaction of the session belong to other code.
    outermost = {entry[0]: entry[1] for entry in root_of(innermost)._connections.values()}
    connections = outermost.keys()
    own: set[Any] = set()
    seen: dict[Any, tuple[Any, list[ForeignSavepoint]]] = {}
    level: SessionTransaction | None = innermost
    while level is not None and not connections <= seen.keys():
        own.update(entry[1] for entry in level._connections.values())
        seen = level.__dict__.get(_SEEN, {})
        level = level.parent
    found = {each: _open_on(each, own, seen.get(each), outermost[each]) for each in connections}
    if None in found.values():  # a cached savepoint has ended
        _forget_seen(innermost)
        return _open_savepoints(innermost)
    # Cache only if the innermost level has all connections. On the others, SQLAlchemy sets its own
    # savepoints at the next statement, inside the cached ones.
    if connections <= {entry[0] for entry in innermost._connections.values()}:
        innermost.__dict__[_SEEN] = {
            each: (each.get_nested_transaction(), savepoints) for each, savepoints in found.items()
        }
    return {connection: savepoints or [] for connection, savepoints in found.items()}


def _open_on(
    connection: Any,
    own: set[Any],
    seen: tuple[Any, list[ForeignSavepoint]] | None,
    outermost: Any,
) -> list[ForeignSavepoint] | None:
    """Return the savepoints of user code; None if the cached savepoint has ended."""
    if seen is None:
        return foreign_savepoints(connection, own, outermost)
    innermost, around = seen
    if not is_around(connection, innermost):
        return None
    return [*foreign_savepoints(connection, own, innermost), *around]


def _forget_seen(innermost: SessionTransaction) -> None:
    level: SessionTransaction | None = innermost
    while level is not None:
        level.__dict__.pop(_SEEN, None)
        level = level.parent


def check_not_aborted(savepoint: Any) -> None:
    """Execute a statement on PostgreSQL, to find an error that a receiver has hidden.

    PostgreSQL refuses the statement after such an error. SQLAlchemy does not roll back a savepoint
    whose release fails.

    Args:
        savepoint: a savepoint of a session.
    """
    for connection in {entry[0] for entry in savepoint._connections.values()}:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT 1")
