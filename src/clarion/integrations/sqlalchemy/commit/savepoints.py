"""Savepoints that user code sets on the connections of a session, below the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.core_savepoints import foreign_savepoints, is_around

if TYPE_CHECKING:
    from sqlalchemy.orm import SessionTransaction

    from clarion.commit.drivers.core_savepoints import ForeignSavepoint


# An attribute of a transaction of the session: for each of its connections, the innermost
# savepoint at an earlier send, and those below the session around it. They stay open as long as
# that savepoint does, so a send in the next savepoint need not look at all of them again.
_SEEN = "_clarion_seen_savepoints"

# The outermost transaction of a savepoint of the session.
_ROOT = "_clarion_root"


def root_of(transaction: SessionTransaction) -> SessionTransaction:
    """Return the outermost transaction of a session, from the next savepoint that knows it."""
    root: SessionTransaction | None = transaction.__dict__.get(_ROOT)
    level = transaction
    while root is None:
        if level.parent is None:
            return level if level is transaction else _remember(transaction, level)
        level = level.parent
        root = level.__dict__.get(_ROOT)
    return _remember(transaction, root)


def _remember(savepoint: SessionTransaction, root: SessionTransaction) -> SessionTransaction:
    # Not in the root itself: a cycle would keep a session that is dropped.
    savepoint.__dict__[_ROOT] = root
    return root


def open_savepoints(innermost: SessionTransaction) -> list[ForeignSavepoint]:
    """Return the savepoints that are open on the connections of a session, and not its own.

    Args:
        innermost: the innermost savepoint or transaction of the session.
    """
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
    if None in found.values():  # a savepoint that was seen has ended
        _forget_seen(innermost)
        return open_savepoints(innermost)
    # Else SQLAlchemy sets savepoints of its own at the next statement, above the one seen.
    if connections <= {entry[0] for entry in innermost._connections.values()}:
        innermost.__dict__[_SEEN] = {
            each: (each.get_nested_transaction(), savepoints) for each, savepoints in found.items()
        }
    return [savepoint for savepoints in found.values() for savepoint in savepoints or ()]


def _open_on(
    connection: Any,
    own: set[Any],
    seen: tuple[Any, list[ForeignSavepoint]] | None,
    outermost: Any,
) -> list[ForeignSavepoint] | None:
    """Return the savepoints below the session; None if the one that was seen has ended."""
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
    """Execute a statement on PostgreSQL, which refuses it after an error that a receiver has hidden.

    SQLAlchemy does not roll back a savepoint whose release fails.

    Args:
        savepoint: a savepoint of a session.
    """
    for connection in {entry[0] for entry in savepoint._connections.values()}:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT 1")
