"""suppressed: no receivers after the commit, for data imports and test fixtures."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from clarion._core.fork import new_lock
from clarion._core.names import name_of, value_name
from clarion._core.unentered import Enterable
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from typing import Self

    from clarion.commit.pending_call import PendingCall

_suppressions: ContextVar[tuple[suppressed, ...]] = ContextVar("clarion_suppressed", default=())


class suppressed(Enterable):  # noqa: N801  # a context manager: `with suppressed(...):`
    """Schedule no calls inside the block: `on_commit` receivers do not run.

    Receivers without `on_commit` still run, because they are part of the write. The block applies
    to the context that enters it, and to the tasks that it starts, until the block ends.
    `explain` shows it.

    Args:
        reason: why, for the people who read `explain`.

    Raises:
        ArgumentError: if the reason is not text.

    Attributes:
        counts: how many calls were suppressed, by the name of the receiver.
    """

    def __init__(self, reason: str) -> None:
        if not isinstance(cast("Any", reason), str):
            raise ArgumentError(
                f"suppressed() was given {value_name(reason)}. It takes the reason, a text, and suppresses "
                f"the receivers of all signals: write `with suppressed('a data import'):`.",
                ["reason"],
            )
        self.reason = reason
        self.counts: Counter[str] = Counter()
        self._depth = 0
        self._lock = new_lock()
        self.unentered = "suppressed(reason)"

    @property
    def count(self) -> int:
        """The number of suppressed calls."""
        return self.counts.total()

    def suppress(self, call: PendingCall) -> None:
        """Suppress and count a call."""
        self.count_receiver(call.receiver)
        call.suppress()

    def count_receiver(self, receiver: object) -> None:
        """Count a call of a receiver that is not made."""
        with self._lock:
            self.counts[name_of(receiver)] += 1

    @property
    def is_over(self) -> bool:
        """Whether the block has ended as many times as it was entered."""
        return not self._depth

    def __enter__(self) -> Self:
        self.unentered = None
        with self._lock:
            self._depth += 1
        active = tuple(block for block in _suppressions.get() if not block.is_over)
        _suppressions.set((*active, self))
        return self

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._depth -= 1
        blocks = list(_suppressions.get())
        # A task started inside has a copy of the context, and a fixture may end in another
        # context than it began in. `is_over` ends the block there.
        if self in blocks:
            blocks.reverse()
            blocks.remove(self)
            _suppressions.set(tuple(reversed(blocks)))


def active_suppression() -> suppressed | None:
    """Return the innermost `suppressed` block of this context."""
    blocks = _suppressions.get()
    return (
        next((block for block in reversed(blocks) if not block.is_over), None) if blocks else None
    )
