"""SignalSession: an error in post_save leaves the transaction alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.integrations.sqlalchemy.flush.plan import Plan


class SignalSession(Session):
    """A session that sends post_save and its like after the flush, not as its last step.

    So what a receiver of theirs raises does not roll the transaction back, as in Django.
    Use it as `sessionmaker(class_=SignalSession)`, as
    `async_sessionmaker(sync_session_class=SignalSession)`, or as the first base of a
    session class of your own.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clarion_due: list[Plan] = []

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Flush, then send what is to be sent after it."""
        from clarion.integrations.sqlalchemy.flush.listeners import send_after

        try:
            # Without the argument, for it is deprecated from SQLAlchemy 2.1 on.
            super().flush(objects) if objects else super().flush()
        except BaseException:
            self._clarion_due.clear()
            raise
        while self._clarion_due:
            send_after(self, self._clarion_due.pop(0))
