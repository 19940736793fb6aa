"""What waits for a commit: calls that are due, run in order, one failure stopping no other."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import ref

from clarion._core import loops
from clarion._core.blame import blame
from clarion._core.connect import receiver_key
from clarion._core.names import dotted, name_of, signal_name
from clarion.errors import EndlessCommitError, RunningLoopError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Iterable, Iterator

    from clarion._core.connect import Registration
    from clarion._core.signal import Signal
    from clarion.commit.boundary import Found
    from clarion.commit.delivery import BoundOnCommit
    from clarion.typing import Receiver

    # Awaits a coroutine where a transaction is committed by sync code.
    Await = Callable[[Coroutine[Any, Any, Any]], Any]

logger = logging.getLogger("clarion")

DEEPEST = 20
"""How many receivers may run inside one another after commits."""


class Scheduled:
    """What a send answers for a receiver that runs after the commit.

    Attributes:
        boundary: what it waits for, for people to read.
        reason: why that and nothing else.
        answer: what the receiver has returned, or the exception that it has raised.
    """

    __slots__ = ("_due", "_found", "_status", "answer")

    def __init__(self, found: Found, due: Due) -> None:
        self._found = found
        self._status = "waiting"
        # Whoever keeps this does not keep what was dropped.
        self._due: Callable[[], Due | None] = ref(due)
        self.answer: Any = None

    @property
    def boundary(self) -> str:
        """What it waits for, for people to read."""
        return self._found.boundary.name

    @property
    def reason(self) -> str:
        """Why that and nothing else."""
        return self._found.reason

    @property
    def status(self) -> str:
        """How far it is: "waiting", "ran", "failed", "dropped", "merged" or "suppressed"."""
        if self._status == "waiting" and self._due() is None:
            self._status = "dropped"
        return self._status

    def __repr__(self) -> str:
        return f"<Scheduled after the commit of {self.boundary}: {self.status}>"


class Link:
    """One receiver that is running after a commit, and the one inside which it runs."""

    __slots__ = ("due", "is_over", "outer")

    def __init__(self, due: Due, outer: Link | None) -> None:
        self.due = due
        self.outer = outer
        self.is_over = False

    def __iter__(self) -> Iterator[Due]:
        link: Link | None = self
        while link is not None:
            yield link.due
            link = link.outer


_running: ContextVar[Link | None] = ContextVar("clarion_running", default=None)


class Due:
    """One call of a receiver, due after a commit.

    Attributes:
        signal: the signal that was sent.
        registration: who listens.
        receiver: the receiver, held until the call is made or dropped.
        bound: the delivery.
        found: the boundary, and why that one.
        key: what it is merged by with others; None if it is not.
        earlier: those that were merged into it, in order.
        kept: what the boundary wants to remember of it.
        scheduled: what the send answers.
    """

    __slots__ = (
        "__weakref__",
        "_named",
        "bound",
        "earlier",
        "found",
        "kept",
        "key",
        "receiver",
        "registration",
        "scheduled",
        "signal",
    )

    def __init__(
        self,
        signal: Signal,
        registration: Registration,
        receiver: Receiver,
        bound: BoundOnCommit,
        found: Found,
        named: dict[str, Any],
    ) -> None:
        self.signal = signal
        self.registration = registration
        self.receiver = receiver
        self.bound = bound
        self.found = found
        self._named = named
        self._refuse_to_go_round()
        self.earlier: list[Due] = []
        self.kept: Any = None
        self.key: Hashable = None
        if (key := bound.key_of(named)) is not None:
            self.key = (bound.delivery, receiver_key(receiver), key)
        self.scheduled = Scheduled(found, self)
        bound.count("scheduled")

    def arguments(self) -> dict[str, Any]:
        """Return what the receiver is to be called with."""
        if not self.bound.wants_sends:
            return self._named
        return {**self._named, "sends": [each._named for each in (*self.earlier, self)]}

    def merge(self, earlier: Due) -> None:
        """Stand for an earlier call of the same key, too."""
        earlier.scheduled._status = "merged"
        self.bound.count("merged")
        # Handed on, not copied: there may be as many as there are rows.
        self.earlier, earlier.earlier = earlier.earlier, self.earlier
        self.earlier.append(earlier)

    def drop(self) -> None:
        """Be done without having run, for what it waited for was rolled back."""
        self.scheduled._status = "dropped"
        self.bound.count("dropped")

    def suppress(self) -> None:
        """Be done without having run, for side effects are suppressed."""
        self.scheduled._status = "suppressed"
        self.bound.count("suppressed")

    def run(self, wait: Await | None = None) -> None:
        """Call the receiver. What it raises is logged and counted, and goes no further.

        Args:
            wait: awaits a coroutine, for async receivers; by default as the signal does.
        """
        if self._has_had_its_only_call():
            return
        link = self._begin()
        try:
            if self.registration.is_async:
                answer = (wait or self._complete)(self.found.boundary.acall(self))
            else:
                answer = self.found.boundary.call(self)
        except Exception as error:  # noqa: BLE001
            self._fail(error)
        else:
            self._end(answer)
        finally:
            self._over(link)

    async def arun(self) -> None:
        """Run where can be awaited: as `run`, with sync receivers in a thread unless inline."""
        if not self.registration.is_async:
            if self.registration.inline:
                self.run()
            else:
                await self.signal._hop(self.run)
            return
        if self._has_had_its_only_call():
            return
        link = self._begin()
        try:
            answer = await self.found.boundary.acall(self)
        except Exception as error:  # noqa: BLE001
            self._fail(error)
        else:
            self._end(answer)
        finally:
            self._over(link)

    def _complete(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if loops.is_loop_running():
            coroutine.close()
            raise RunningLoopError(
                f"{name_of(self.receiver)} cannot be awaited after the commit of {self.found.boundary.name}, "
                f"for that was made by sync code inside a running event loop. Connect a sync receiver.",
                [name_of(self.receiver)],
            )
        return self.found.boundary.complete(self, coroutine)

    def _has_had_its_only_call(self) -> bool:
        if not self.registration.once:
            return False
        if not self.registration.claim():
            self.drop()
            return True
        self.signal._table.discard(self.registration)
        return False

    def _begin(self) -> Link:
        link = Link(self, _innermost_running())
        _running.set(link)
        return link

    def _over(self, link: Link) -> None:
        link.is_over = True
        _running.set(link.outer)

    def _refuse_to_go_round(self) -> None:
        inside = list(_innermost_running() or ())
        if len(inside) >= DEEPEST:
            raise _endless([self, *inside])

    def _end(self, answer: Any) -> None:
        self.scheduled.answer = answer
        self.scheduled._status = "ran"
        self.bound.count("ran")

    def _fail(self, error: Exception) -> None:
        self.scheduled.answer = error
        self.scheduled._status = "failed"
        self.bound.count("failed")
        blame(error, self.signal, self.receiver)
        # The names of what was sent, for the values may be anybody's secrets.
        named = ", ".join(name for name in self._named if name not in ("sender", "signal"))
        logger.error(
            "Receiver %s of signal %s, sent by %s with %s, failed after the commit of %s",
            name_of(self.receiver),
            signal_name(self.signal),
            _sender_name(self._named["sender"]),
            named or "no keywords",
            self.found.boundary.name,
            exc_info=error,
        )


def _sender_name(sender: object) -> str:
    # By its class, if it is none: its repr may tell what is nobody's business.
    if sender is None:
        return "nobody in particular"
    return dotted(sender) if isinstance(sender, type) else f"a {dotted(type(sender))}"


def _innermost_running() -> Link | None:
    # A task that a receiver has started, and that outlives it, does not run inside it.
    link = _running.get()
    while link is not None and link.is_over:
        link = link.outer
    return link


def _endless(inside: list[Due]) -> EndlessCommitError:
    """Say who goes round: from one that comes again to the next time that it does."""
    names: list[str] = []
    for due in inside:
        name = _told(due)
        names.append(name)
        if name in names[:-1]:
            del names[: names.index(name)]
            break
    names.reverse()
    return EndlessCommitError(
        f"After {DEEPEST} receivers inside one another there is still one more to run after a commit: "
        f"{' -> '.join(names)}. Break the circle in one of them.",
        names,
    )


def _told(due: Due) -> str:
    return f"{name_of(due.receiver)} of {signal_name(due.signal)}"


def merged(dues: Iterable[Due]) -> list[Due]:
    """Merge the calls of one key: the last one stands for all, in the place of the first."""
    found: list[Due] = []
    places: dict[Hashable, int] = {}
    for due in dues:
        if due.key is None or (place := places.setdefault(due.key, len(found))) == len(found):
            found.append(due)
        else:
            due.merge(found[place])
            found[place] = due
    return found


def drain(dues: Iterable[Due], wait: Await | None = None) -> None:
    """Run what has become true, in order."""
    for due in merged(dues):
        due.run(wait)


async def adrain(dues: Iterable[Due]) -> None:
    """Run what has become true, in order, and await what is async."""
    for due in merged(dues):
        await due.arun()


def drop(dues: Iterable[Due]) -> None:
    """Drop what was rolled back."""
    for due in dues:
        due.drop()
