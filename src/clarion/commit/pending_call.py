"""What waits for a commit: calls that are due, run in order, one failure stopping no other."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any
from weakref import ref

from clarion._core import loops
from clarion._core.names import dotted, name_of, signal_name
from clarion._core.notes import add_receiver_note
from clarion._core.registration import receiver_key
from clarion.commit import nesting
from clarion.errors import RunningLoopError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Iterable, Sequence

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.commit.boundary import BoundaryMatch
    from clarion.commit.delivery import BoundOnCommit
    from clarion.typing import Receiver

    # Awaits a coroutine where a transaction is committed by sync code.
    Await = Callable[[Coroutine[Any, Any, Any]], Any]

logger = logging.getLogger("clarion")


class Scheduled:
    """What a send answers for a receiver that runs after the commit.

    Attributes:
        boundary: what it waits for, for people to read.
        reason: why that and nothing else.
        response: what the receiver has returned, or the exception that it has raised.
        is_at_once: whether it ran inside the send, for no transaction was open.
    """

    __slots__ = ("_call", "_found", "_status", "is_at_once", "response")

    def __init__(self, found: BoundaryMatch, call: PendingCall) -> None:
        self._found = found
        self._status = "waiting"
        # Whoever keeps this does not keep what was dropped.
        self._call: Callable[[], PendingCall | None] = ref(call)
        self.response: Any = None
        self.is_at_once = False

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
        """How far it is; "waiting", "ran", "failed", "dropped", "merged" or "suppressed"."""
        if self._status == "waiting" and self._call() is None:
            self._status = "dropped"
        return self._status

    def __repr__(self) -> str:
        return f"<Scheduled {self._when()}: {self.status}>"

    def _when(self) -> str:
        if self.is_at_once:
            return "at once, for no transaction was open"
        return f"after the commit of {self.boundary}"


class PendingCall:
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
        found: BoundaryMatch,
        named: dict[str, Any],
    ) -> None:
        self.signal = signal
        self.registration = registration
        self.receiver = receiver
        self.bound = bound
        self.found = found
        self._named = named
        if nesting.running.get() is not None:
            nesting.refuse_to_go_round(self)
        self.earlier: list[PendingCall] = []
        self.kept: Any = None
        self.key: Hashable = None
        if bound.key_of is not None:
            self.key = (bound.delivery, receiver_key(receiver), bound.key_of(named))
        self.scheduled = Scheduled(found, self)
        bound.counts["scheduled"] += 1

    def arguments(self) -> dict[str, Any]:
        """Return what the receiver is to be called with."""
        if not self.bound.requests_sends:
            return self._named
        return {**self._named, "sends": [each._named for each in (*self.earlier, self)]}

    def merge(self, earlier: PendingCall) -> None:
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
        # The property `once` costs a call.
        if self.registration._tokens is not None and self._has_had_its_only_call():
            return
        link = nesting.begin(self)
        try:
            if self.registration.is_async:
                response = (wait or self._complete)(self.found.boundary.acall(self))
            else:
                response = self.found.boundary.call(self)
        except BaseException as error:
            self._fail(error)
            if not _is_its_own(error):
                raise
        else:
            self._end(response)
        finally:
            nesting.end(link)

    def run_at_once(self) -> None:
        """Run inside the send, for no transaction is open."""
        self.scheduled.is_at_once = True
        self.run()

    async def arun(self) -> None:
        """Run where can be awaited: as `run`, with sync receivers in a thread unless inline."""
        if not self.registration.is_async:
            await self._arun_sync()
            return
        if self._has_had_its_only_call():
            return
        link = nesting.begin(self)
        try:
            response = await self.found.boundary.acall(self)
        except BaseException as error:
            self._fail(error)
            if not _is_its_own(error):
                raise
        else:
            self._end(response)
        finally:
            nesting.end(link)

    async def _arun_sync(self) -> None:
        if self.registration.inline:
            self.run()
            return
        try:
            await self.signal._run_in_thread(self.run)
        except Exception as error:  # noqa: BLE001  # there is no thread to be had
            self._fail(error)

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

    def _end(self, response: Any) -> None:
        self.scheduled.response = response
        self.scheduled._status = "ran"
        self.bound.counts["ran"] += 1

    def _fail(self, error: BaseException) -> None:
        self.scheduled.response = error
        self.scheduled._status = "failed"
        self.bound.count("failed")
        if isinstance(error, Exception):
            add_receiver_note(error, self.signal, self.receiver)
        # The names of what was sent, for the values may be anybody's secrets.
        named = ", ".join(name for name in self._named if name not in ("sender", "signal"))
        logger.error(
            "Receiver %s of signal %s, sent by %s with %s, failed %s",
            name_of(self.receiver),
            signal_name(self.signal),
            _sender_name(self._named["sender"]),
            named or "no keywords",
            self.scheduled._when(),
            exc_info=error,
        )


def _sender_name(sender: object) -> str:
    # By its class, if it is none: its repr may tell what is nobody's business.
    if sender is None:
        return "nobody in particular"
    return dotted(sender) if isinstance(sender, type) else f"a {dotted(type(sender))}"


def merged(calls: Iterable[PendingCall]) -> list[PendingCall]:
    """Merge the calls of one key: the last one stands for all, in the place of the first."""
    found: list[PendingCall] = []
    places: dict[Hashable, int] = {}
    for call in calls:
        if call.key is None or (place := places.setdefault(call.key, len(found))) == len(found):
            found.append(call)
        else:
            call.merge(found[place])
            found[place] = call
    return found


def drain(calls: Sequence[PendingCall], wait: Await | None = None) -> None:
    """Run what has become true, in order."""
    if len(calls) == 1:
        calls[0].run(wait)
        return
    left = deque(merged(calls))
    try:
        while left:
            left[0].run(wait)
            left.popleft()
    finally:
        _abandon(left)


async def adrain(calls: Iterable[PendingCall]) -> None:
    """Run what has become true, in order, and await what is async."""
    left = deque(merged(calls))
    try:
        while left:
            await left[0].arun()
            left.popleft()
    finally:
        _abandon(left)


def _abandon(left: Iterable[PendingCall]) -> None:
    """Say who does not run, for the program, or the task, is told to end."""
    waiting = [call for call in left if call.scheduled.status == "waiting"]
    drop(waiting)
    for call in waiting:
        logger.error(
            "Receiver %s of signal %s does not run after the commit of %s, which was interrupted",
            name_of(call.receiver),
            signal_name(call.signal),
            call.found.boundary.name,
        )


def _is_its_own(error: BaseException) -> bool:
    """Tell whether what a receiver has raised concerns nobody else."""
    if isinstance(error, Exception):
        return True
    from asyncio import CancelledError, current_task

    # A cancellation is if it is not this task that is cancelled, but one of the receiver's.
    if not isinstance(error, CancelledError):
        return False
    try:
        task = current_task()
    except RuntimeError:  # no event loop runs here
        return True
    return task is None or not task.cancelling()


def drop(calls: Iterable[PendingCall]) -> None:
    """Drop what was rolled back."""
    for call in calls:
        call.drop()
