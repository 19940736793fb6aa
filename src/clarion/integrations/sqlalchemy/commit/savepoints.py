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
