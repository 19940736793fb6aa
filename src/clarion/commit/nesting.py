"""Receivers that run inside one another after commits, and when that is endless."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from clarion._core.names import name_of, signal_name
from clarion.errors import EndlessCommitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.commit.pending_call import PendingCall

DEEPEST = 20
"""How many receivers may run inside one another after commits."""


class Link:
    """One receiver that is running after a commit, and the one inside which it runs.

    Attributes:
        due: its call; None once that is over.
        outer: the one inside which it runs.
        endless: those that were found to go round, inside the outermost one.
    """

    __slots__ = ("call", "endless", "outer")

    def __init__(self, call: PendingCall, outer: Link | None) -> None:
        self.call: PendingCall | None = call
        self.outer = outer
        self.endless: set[str] = set() if outer is None else outer.endless

    def __iter__(self) -> Iterator[PendingCall]:
        link: Link | None = self
        while link is not None:
            if link.call is not None:
                yield link.call
            link = link.outer


running: ContextVar[Link | None] = ContextVar("clarionrunning", default=None)


def begin(call: PendingCall) -> Link:
    """Run inside what is running in this context."""
    link = Link(call, None if running.get() is None else _innermost())
    running.set(link)
    return link


def end(link: Link) -> None:
    """Be over."""
    link.call = None
    running.set(link.outer)


def refuse_to_go_round(call: PendingCall) -> None:
    """Refuse one more call inside those that are running, if they are too many.

    Once some are known to go round, these are refused until the outermost is over: several
    that have each other run would double their number with each step.

    Raises:
        EndlessCommitError: if they are.
    """
    innermost = _innermost()
    if innermost is None:
        return
    inside = list(innermost)
    if len(inside) >= DEEPEST:
        names = _circle([call, *inside])
        innermost.endless.update(names)
    elif innermost.endless and _told(call) in innermost.endless:
        names = [_told(call)]
    else:
        return
    raise EndlessCommitError(
        f"After {DEEPEST} receivers inside one another there is still one more to run after a commit: "
        f"{' -> '.join(names)}. Break the circle in one of them.",
        names,
    )


def _innermost() -> Link | None:
    # A task that a receiver has started, and that outlives it, does not run inside it.
    link = running.get()
    while link is not None and link.call is None:
        link = link.outer
    return link


def _circle(inside: list[PendingCall]) -> list[str]:
    """Name who goes round: from one that comes again to the next time that it does."""
    names: list[str] = []
    for call in inside:
        name = _told(call)
        names.append(name)
        if name in names[:-1]:
            del names[: names.index(name)]
            break
    names.reverse()
    return names


def _told(call: PendingCall) -> str:
    return f"{name_of(call.receiver)} of {signal_name(call.signal)}"
