"""No side effects here: imports and fixtures."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING

from clarion._core.names import name_of

if TYPE_CHECKING:
    from typing import Self

    from clarion.commit.pending_call import PendingCall

_suppressed: ContextVar[tuple[suppressed, ...]] = ContextVar("clarion_suppressed", default=())


class suppressed:  # noqa: N801  # it reads as a word: `with suppressed(...):`
    """Have sends schedule nothing: receivers that would run after the commit do not run.

    Those that run inside the send do, for they are part of what is written. It holds for the
    context that enters the block, and the tasks that it starts, until the block ends; `explain` shows it.

    Args:
        reason: why, for people to read.

    Attributes:
        counts: how many calls were suppressed, by the name of the receiver.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.counts: Counter[str] = Counter()
        self._entered = 0
        self._lock = Lock()

    @property
    def count(self) -> int:
        """How many calls were suppressed."""
        return self.counts.total()

    def note(self, call: PendingCall) -> None:
        """Suppress a call."""
        with self._lock:
            self.counts[name_of(call.receiver)] += 1
        call.suppress()

    @property
    def is_over(self) -> bool:
        """Whether the block has ended, as many times as it was entered."""
        return not self._entered

    def __enter__(self) -> Self:
        with self._lock:
            self._entered += 1
        _suppressed.set((*_in_force(), self))
        return self

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._entered -= 1
        around = list(_suppressed.get())
        # Tasks that were started inside have a copy of the context, and a fixture may end
        # in another one than it began in; there, what ends it is that it is over.
        if self in around:
            around.reverse()
            around.remove(self)
            _suppressed.set(tuple(reversed(around)))


def _in_force() -> tuple[suppressed, ...]:
    return tuple(each for each in _suppressed.get() if not each.is_over)


def suppression() -> suppressed | None:
    """Return the innermost block that this context is in."""
    around = _suppressed.get()
    return next((each for each in reversed(around) if not each.is_over), None) if around else None
