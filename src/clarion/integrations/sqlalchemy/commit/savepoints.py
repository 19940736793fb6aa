"""Savepoints that user code sets on the connections of a session, below the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.core_savepoints import foreign_savepoints

if TYPE_CHECKING:
    from sqlalchemy.orm import SessionTransaction

    from clarion.commit.drivers.core_savepoints import ForeignSavepoint


def open_savepoints(innermost: SessionTransaction) -> list[ForeignSavepoint]:
    """Return the savepoints that are open on the connections of a session, and not its own.

    Args:
        innermost: the innermost savepoint or transaction of the session.
    """
    own: set[Any] = set()
    root: SessionTransaction | None = innermost
    entries: set[Any] = set()
    while root is not None:
        entries = set(root._connections.values())
        own.update(transaction for _, transaction, _, _ in entries)
        root = root.parent
    # Savepoints around the transaction of the session belong to other code.
    return [
        savepoint
        for connection, outermost, _, _ in entries
        for savepoint in foreign_savepoints(connection, own, outermost)
    ]


def check_not_aborted(savepoint: Any) -> None:
    """Execute a statement on PostgreSQL, which refuses it after an error that a receiver has hidden.

    SQLAlchemy does not roll back a savepoint whose release fails.

    Args:
        savepoint: a savepoint of a session.
    """
    for connection in {entry[0] for entry in savepoint._connections.values()}:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT 1")
