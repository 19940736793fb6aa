"""A second look before a flush, after the listeners of the program's own.

SQLAlchemy calls the listeners of the class before those of one session, and the older before
the younger. So what follows Clarion's may change what is written, and is looked at again: by
a listener of the one session, which comes last of all. Sessions without such listeners have
none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, SessionTransaction


def others_follow(session: Session) -> bool:
    """Tell whether listeners follow Clarion's, and have the second look follow them."""
    from clarion.integrations.sqlalchemy.flush import listeners

    of_all = session.dispatch.before_flush
    of_class, of_session = of_all.parent_listeners, of_all.listeners
    if not of_session and of_class and of_class[-1] is listeners.before_flush:
        return False
    if not of_session or of_session[-1] is not listeners.before_flush_again:
        if listeners.before_flush_again in of_session:
            event.remove(session, "before_flush", listeners.before_flush_again)
        # SQLAlchemy is not at this session's listeners yet, so they may be changed.
        event.listen(session, "before_flush", listeners.before_flush_again)
    return True


def transaction_begun(session: Session, transaction: SessionTransaction) -> None:
    """Prepare a session for its first flush, in which its listeners would be too late."""
    if transaction.parent is None:
        others_follow(session)
