"""SignalSession: an error in post_save leaves the transaction open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from clarion.integrations.sqlalchemy.flush.guard import refuse_end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class SignalSession(Session):
    """A session that sends the post signals after the flush, not as its last step.

    So, as in Django, an exception of their receivers does not roll the transaction back.
    Use it as `sessionmaker(class_=SignalSession)`, as
    `async_sessionmaker(sync_session_class=SignalSession)`, or as the first base of your
    own session class.
    """

    @property
    def clarion_after_flush(self) -> list[Callable[[], None]]:
        """What to call after the flush."""
        found: list[Callable[[], None]] = self.__dict__.setdefault("_clarion_after_flush", [])
        return found

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Flush, then send the post signals."""
        try:
            # Without the argument: SQLAlchemy 2.1 deprecates it.
            super().flush(objects) if objects else super().flush()
        except BaseException:
            self.clarion_after_flush.clear()
            raise
        if self.clarion_after_flush:
            with refuse_end(self):
                while self.clarion_after_flush:
                    self.clarion_after_flush.pop(0)()
