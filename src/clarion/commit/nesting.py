"""Receivers that cause each other after commits: how deeply they nest, and the limit."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from clarion._core.names import name_of, signal_name
from clarion.errors import EndlessCommitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion._core.signal import Signal
    from clarion.commit.pending_call import PendingCall
    from clarion.typing import Receiver

MAX_DEPTH = 20
"""How many receivers may run inside one another after commits."""


class RunningCall:
    """A call that is running after a commit, and the one that it runs inside.

    Attributes:
        call: the call; None once it has ended.
        outer: the call around it.
        endless: the receivers found to repeat without end, shared by nested calls.
    """

    __slots__ = ("call", "endless", "outer")

    def __init__(self, call: PendingCall, outer: RunningCall | None) -> None:
        self.call: PendingCall | None = call
        self.outer = outer
        self.endless: set[str] = set() if outer is None else outer.endless

    def running(self) -> PendingCall | None:
        """Return the call while it is running."""
        # An interrupt may prevent `leave_call`.
        call = self.call
        return call if call is not None and call.scheduled.outcome is None else None

    def outward(self) -> Iterator[PendingCall]:
        """Yield the calls that are still running, innermost first."""
        each: RunningCall | None = self
        while each is not None:
            if (call := each.running()) is not None:
                yield call
            each = each.outer


running_call: ContextVar[RunningCall | None] = ContextVar("clarion_running_call", default=None)


def enter_call(call: PendingCall) -> RunningCall:
    """Mark a call as running in this context."""
    running = RunningCall(call, None if running_call.get() is None else _innermost())
    running_call.set(running)
    return running


def leave_call(running: RunningCall) -> None:
    """Mark a call as ended."""
    running.call = None
    running_call.set(running.outer)


def check_nesting(signal: Signal, receiver: Receiver) -> None:
    """Refuse one more call if too many are running inside one another.

    A receiver found to repeat is refused until the outermost call ends. Without that, receivers
    that send to each other would double the number of calls with each step.

    Raises:
        EndlessCommitError: if too many are running, or the receiver repeats.
    """
    innermost = _innermost()
    if innermost is None:
        return
    running = list(innermost.outward())
    if len(running) >= MAX_DEPTH:
        nested = [_name(call.signal, call.receiver) for call in running]
        names = _cycle([_name(signal, receiver), *nested])
        innermost.endless.update(names)
    elif innermost.endless and (name := _name(signal, receiver)) in innermost.endless:
        names = [name]
    else:
        return
    raise EndlessCommitError(
        f"{MAX_DEPTH} receivers already run inside one another after commits, and this send adds one "
        f"more: {' -> '.join(names)}. Break the cycle in one of them.",
        names,
    )


def _innermost() -> RunningCall | None:
    # A task that a receiver has started may run longer than the receiver.
    running = running_call.get()
    while running is not None and running.running() is None:
        running = running.outer
    return running


def _cycle(nested: list[str]) -> list[str]:
    """Return the names that repeat, from the first repetition back to its first occurrence."""
    names: list[str] = []
    for name in nested:
        names.append(name)
        if name in names[:-1]:
            del names[: names.index(name)]
            break
    names.reverse()
    return names


def _name(signal: Signal, receiver: Receiver) -> str:
    return f"{name_of(receiver)} of {signal_name(signal)}"
