"""suppressed: no receivers after the commit, for data imports and test fixtures."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from clarion._core.block_end import Block
from clarion._core.callers import warn_caller
from clarion._core.fork import new_lock
from clarion._core.names import name_of, value_name
from clarion._core.unentered import Enterable
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from typing import Self

    from clarion.commit.pending_call import PendingCall

suppressions: ContextVar[tuple[Suppression, ...]] = ContextVar("clarion_suppressed", default=())
"""The entered blocks of this context, which may be over. If it is empty, nothing is suppressed."""


class Suppression:
    """One entry of a `suppressed` block.

    Attributes:
        block: the block.
        is_over: whether it was left.
    """

    def __init__(self, block: suppressed) -> None:
        self.block = block
        self.is_over = False

    def begin(self) -> None:
        """Suppress calls in this context."""
        active = tuple(each for each in suppressions.get() if not each.is_over)
        suppressions.set((*active, self))

    def end(self, error: tuple[object, ...]) -> None:  # noqa: ARG002
        """End it, also in the copies of the context that tasks have."""
        self.is_over = True
        # A fixture may end in another context than it began in.
        if self in (active := suppressions.get()):
            suppressions.set(tuple(each for each in active if each is not self))
        else:
            warn_caller(
                "suppressed() was left in another context than it was entered in, so it suppressed nothing "
                "there. Enter it in the code that sends.",
                RuntimeWarning,
            )

    def interrupt(self, error: BaseException) -> None:  # noqa: ARG002
        """End it after an interrupt."""
        self.is_over = True


class suppressed(Block, Enterable):  # noqa: N801  # a context manager: `with suppressed(...):`
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

    def __enter__(self) -> Self:
        self.unentered = None
        entry = Suppression(self)
        self.enter(entry, entry.begin)
        return self

    def choose(self, entries: tuple[Suppression, ...]) -> Suppression:
        """Return the innermost entry of this context, or the last one."""
        # From the innermost, because one block may be entered a thousand times.
        active = reversed(suppressions.get())
        return next((each for each in active if each in entries), entries[-1])


def active_suppression() -> suppressed | None:
    """Return the innermost `suppressed` block of this context."""
    entries = suppressions.get()
    if not entries:
        return None
    return next((each.block for each in reversed(entries) if not each.is_over), None)
