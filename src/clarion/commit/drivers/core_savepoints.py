"""Savepoints that user code sets on a SQLAlchemy connection, below a session or an atomic() block.

`connection.begin_nested()` sets one. SQLAlchemy's Core has an event for its rollback, and
keeps no record of it. So Clarion records the rollbacks of a connection, from the first send inside
such a savepoint on. A savepoint that is set by raw SQL cannot be seen.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Container

# An attribute of the connection itself: its `info` remains after it. It holds the savepoints that
# calls wait for, by name. A connection uses each name once.
_KEY = "_clarion_savepoints"


class ForeignSavepoint:
    """A savepoint that neither a session nor an atomic() block has set."""

    __slots__ = ("__weakref__", "is_rolled_back")

    def __init__(self) -> None:
        self.is_rolled_back = False


def foreign_savepoints(
    connection: Any, own: Container[object], outermost: object = None
) -> list[ForeignSavepoint]:
    """Return the open savepoints of a connection that are not Clarion's or the session's.

    Args:
        connection: the sync connection.
        own: the transactions of the savepoints to leave out.
        outermost: the transaction or savepoint to stop at; None for all savepoints.
    """
    found: list[ForeignSavepoint] = []
    nested = connection.get_nested_transaction()
    while nested is not None and nested is not outermost:
        if nested not in own:
            found.append(_watched(connection, nested._savepoint))
        nested = nested._previous_nested
    return found


def is_around(connection: Any, savepoint: object) -> bool:
    """Return whether a savepoint is open on a connection; None is around all of them."""
    nested = connection.get_nested_transaction()
    while nested is not None and nested is not savepoint:
        nested = nested._previous_nested
    return nested is savepoint


def _watched(connection: Any, name: str) -> ForeignSavepoint:
    attributes: dict[str, Any] = connection.__dict__
    if _KEY not in attributes:
        attributes[_KEY] = WeakValueDictionary[str, ForeignSavepoint]()
        # Not at class level: that makes every statement of every connection slower.
        # Not imported: a program with a connection of SQLAlchemy has this module.
        sys.modules["sqlalchemy.event"].listen(connection, "rollback_savepoint", _note_rollback)
    savepoints: WeakValueDictionary[str, ForeignSavepoint] = attributes[_KEY]
    return savepoints.setdefault(name, ForeignSavepoint())


def _note_rollback(connection: Any, name: str, context: object) -> None:  # noqa: ARG001
    found: ForeignSavepoint | None = connection.__dict__[_KEY].get(name)
    if found is not None:
        found.is_rolled_back = True
