"""No side effects here: imports and fixtures."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from typing import TYPE_CHECKING

from clarion._core.names import name_of

if TYPE_CHECKING:
    from typing import Self

    from clarion.commit.due import Due

_suppressed: ContextVar[tuple[suppressed, ...]] = ContextVar("clarion_suppressed", default=())


class suppressed:  # noqa: N801  # it reads as a word: `with suppressed(...):`
    """Have sends schedule nothing: receivers that would run after the commit do not run.

    Those that run inside the send do, for they are part of what is written. It holds for the
    context that enters the block, and the tasks that it starts; `explain` shows it.

    Args:
        reason: why, for people to read.

    Attributes:
        counts: how many calls were suppressed, by the name of the receiver.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.counts: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many calls were suppressed."""
        return self.counts.total()

    def note(self, due: Due) -> None:
        """Suppress a call."""
        self.counts[name_of(due.receiver)] += 1
        due.suppress()

    def __enter__(self) -> Self:
        _suppressed.set((*_suppressed.get(), self))
        return self

    def __exit__(self, *exception: object) -> None:
        around = list(_suppressed.get())
        # A fixture may end in another context than it began in; that one is not touched.
        if self in around:
            around.remove(self)
            _suppressed.set(tuple(around))


def suppression() -> suppressed | None:
    """Return the innermost block that this context is in."""
    around = _suppressed.get()
    return around[-1] if around else None
