"""What receivers may do to the session whose flush calls them.

They may flush and open savepoints after the flush, but not end the transaction around them,
because half of the flush would be committed.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session
from sqlalchemy.orm.state_changes import _StateChangeStates

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def refuse_end(session: Session) -> Generator[None]:
    """Refuse commit, rollback and close of a session inside the block.

    SQLAlchemy raises its own IllegalStateChangeError, as it does inside a flush.
    """
    transaction: Any = session._transaction or session._autobegin_t()
    before: list[tuple[Any, Any, Any]] = []
    while transaction is not None:
        before.append((transaction, transaction._next_state, transaction._current_fn))
        transaction._next_state = _StateChangeStates.NO_CHANGE
        transaction._current_fn = Session.flush
        transaction = transaction.parent
    try:
        yield
    finally:
        for transaction, next_state, current in before:
            transaction._next_state = next_state
            transaction._current_fn = current


@contextmanager
def allow_flush(session: Session) -> Generator[None]:
    """Let receivers flush, query with autoflush and open savepoints inside the block."""
    was_flushing = getattr(session, "_flushing", None)
    if was_flushing is None:
        yield  # this SQLAlchemy has no such flag; it raises if a receiver flushes
        return
    session._flushing = False
    try:
        yield
    finally:
        session._flushing = was_flushing
