"""Whether a mapped object has changes that are not committed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import InstanceState, object_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session, SessionTransaction

MOST_ITEMS = 100
"""How many items of a collection are examined."""


def has_uncommitted(value: object) -> bool:
    """Return whether a value, or one of the first items of a collection, is uncommitted."""
    items: Any = value
    if isinstance(value, dict):
        items = items.values()
    elif not isinstance(value, (list, tuple, set, frozenset)):
        return is_uncommitted(value)
    return any(map(is_uncommitted, islice(items, MOST_ITEMS)))  # pyright: ignore[reportUnknownArgumentType]


def is_uncommitted(value: object) -> bool:
    """Return whether a value is a mapped object that its session has yet to flush or commit.

    An object that a transaction has only read is not.
    """
    state: Any = getattr(value, "_sa_instance_state", None)
    if not isinstance(state, InstanceState) or (session := object_session(value)) is None:
        return False
    if state.pending or state.modified:
        return True
    return any(
        state in transaction._new or state in transaction._dirty  # SQLAlchemy has no public list
        for transaction in _transactions(session)
    )


def _transactions(session: Session) -> Iterator[SessionTransaction]:
    """Yield the open transaction of a session, savepoints first."""
    transaction = session.get_nested_transaction() or session.get_transaction()
    while transaction is not None:
        yield transaction
        transaction = transaction.parent
