"""Savepoints that user code sets on the connection of a session, below the session.

`session.connection().begin_nested()` sets one. SQLAlchemy's Core has an event for its rollback, and
keeps no record of it. So Clarion records the rollbacks of a connection, from the first send inside
such a savepoint on. A savepoint that is set by raw SQL cannot be seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy.orm import SessionTransaction

# An attribute of the connection itself: its `info` remains after it. It holds the savepoints by name.
_KEY = "_clarion_savepoints"

attach: list[Callable[[Connection], None]] = []
"""`hooks` puts the function here that attaches `note_rollback` to a connection."""


class ForeignSavepoint:
    """A savepoint that the session has not set."""

    __slots__ = ("is_rolled_back",)

    def __init__(self) -> None:
        self.is_rolled_back = False


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
    found: list[ForeignSavepoint] = []
    for connection, outermost, _, _ in entries:
        # Those around the transaction of the session belong to other code.
        nested = connection.get_nested_transaction()
        while nested is not None and nested is not outermost:
            if nested not in own:
                found.append(_watched(connection, nested._savepoint))
            nested = nested._previous_nested
    return found


def _watched(connection: Any, name: str) -> ForeignSavepoint:
    savepoints: dict[str, ForeignSavepoint] | None = connection.__dict__.get(_KEY)
    if savepoints is None:
        savepoints = connection.__dict__[_KEY] = {}
        for function in attach:
            function(connection)
    return savepoints.setdefault(name, ForeignSavepoint())


def note_rollback(connection: Connection, name: str, context: object) -> None:  # noqa: ARG001
    """Note that a savepoint of a connection is rolled back."""
    found: ForeignSavepoint | None = connection.__dict__.get(_KEY, {}).get(name)
    if found is not None:
        found.is_rolled_back = True
