"""A pending call: one receiver call that waits for a commit, and the handle for it.

This is data. `run.py` makes the calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from weakref import ref

from clarion._core.names import option_name
from clarion._core.registration import receiver_key
from clarion._core.tabled import policy_of
from clarion._core.usable import check_response

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Sequence

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.delivery import Delivery
    from clarion.typing import Receiver

    KeyFunction = Callable[[Signal, Receiver, dict[str, Any]], Hashable]

COUNTED = ("scheduled", "ran", "failed", "dropped", "abandoned", "merged", "suppressed")


class OpenSavepoint(Protocol):
    """A savepoint around a send that the boundary has not set."""

    @property
    def is_rolled_back(self) -> bool:
        """Whether it was rolled back."""
        ...


class CallingBoundary(Protocol):
    """The part of a boundary that runs a pending call: see `clarion.commit.Boundary`."""

    @property
    def name(self) -> str:
        """How messages name it."""
        ...

    def call_receiver(self, call: PendingCall) -> Any:
        """Call a sync receiver."""
        ...

    async def acall_receiver(self, call: PendingCall) -> Any:
        """Await an async receiver."""
        ...

    def run_coroutine(self, call: PendingCall, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its result."""
        ...


class BoundReceiver:
    """What `on_commit` stores for one connected receiver.

    Args:
        delivery: the `on_commit` that the receiver was connected with.
        key_of: the function that computes the key of a send; None if calls are not merged.
        requests_session: whether the receiver has a parameter `session`.
        requests_sends: whether it has a parameter `sends`, and calls are merged.

    Attributes:
        counts: how many calls were scheduled, ran, failed, were dropped, merged, suppressed.
    """

    def __init__(
        self,
        delivery: Delivery,
        key_of: KeyFunction | None,
        *,
        requests_session: bool,
        requests_sends: bool,
    ) -> None:
        self.delivery = delivery
        self.key_of = key_of
        self.requests_session = requests_session
        self.requests_sends = requests_sends
        self.counts: dict[str, int] = dict.fromkeys(COUNTED, 0)

    def __repr__(self) -> str:
        counted = [f"{count} {status}" for status, count in self.counts.items() if count]
        shown = ", ".join([option_name(self.delivery), *counted])
        return f"<{type(self).__name__} of {shown}>"

    def count(self, status: str) -> None:
        """Count one more call with this status."""
        # No lock, which costs more than the rest: CPython does not switch threads here.
        self.counts[status] += 1


class Scheduled:
    """The response of a receiver that runs after the commit.

    Attributes:
        boundary: the name of the boundary whose commit it waits for.
        reason: why it waits for this boundary.
        response: what the receiver returned, or the exception that it raised.
        is_at_once: whether it ran inside the send, because no transaction was open.
        outcome: the final status; None until the call has one.
    """

    __slots__ = ("_boundary", "_call", "is_at_once", "outcome", "reason", "response")

    def __init__(self, call: PendingCall) -> None:
        self._boundary = call.boundary
        # Weak, so that code that keeps the response does not keep a call that was dropped.
        self._call = ref(call)
        self.reason = call.reason
        self.outcome: str | None = None
        self.response: Any = None
        self.is_at_once = False

    @property
    def boundary(self) -> str:
        """The name of the boundary whose commit it waits for."""
        return self._boundary.name

    @property
    def status(self) -> str:
        """The status of the call.

        One of "waiting", "ran", "failed", "dropped", "abandoned", "merged" and "suppressed". It
        is abandoned if the commit was made, or may have been, and the receiver did not run.
        """
        if self.outcome is None and self._call() is None:
            self.outcome = "dropped"
        return self.outcome or "waiting"

    def pending_call(self) -> PendingCall | None:
        """Return the call, which may still wait; None if nothing keeps it any more."""
        return self._call()

    def when(self) -> str:
        """Return when the receiver runs, in words."""
        if self.is_at_once:
            return "at once, because no transaction was open"
        return f"after the commit of {self.boundary}"

    def __repr__(self) -> str:
        return f"<Scheduled {self.when()}: {self.status}>"


class PendingCall:
    """One call of a receiver, to be made after a commit.

    Attributes:
        signal: the signal that was sent.
        registration: the registration of the receiver.
        receiver: the receiver, kept alive until the call is made or dropped.
        bound: what `on_commit` stores for this receiver.
        boundary: the boundary whose commit the call waits for.
        reason: why it waits for this boundary.
        arguments: the keywords of the send, `sender` and `signal` included. A boundary may
            replace the dictionary.
        key: the key by which calls are merged; None if this one is not merged.
        merged: the earlier calls that were merged into this one, in order.
        boundary_data: a slot for the boundary's own data about the call.
        savepoints: savepoints of user code around the send. If one is rolled back, the call is
            dropped at the commit.
        scheduled: the handle that the send returns.
    """

    __slots__ = (
        "__weakref__",
        "arguments",
        "bound",
        "boundary",
        "boundary_data",
        "key",
        "merged",
        "reason",
        "receiver",
        "registration",
        "savepoints",
        "scheduled",
        "signal",
    )

    def __init__(
        self,
        signal: Signal,
        registration: Registration,
        receiver: Receiver,
        bound: BoundReceiver,
        boundary: CallingBoundary,
        reason: str,
        arguments: dict[str, Any],
    ) -> None:
        self.signal = signal
        self.registration = registration
        self.receiver = receiver
        self.bound = bound
        self.boundary = boundary
        self.reason = reason
        self.arguments = arguments
        self.merged: list[PendingCall] = []
        self.boundary_data: Any = None
        self.savepoints: Sequence[OpenSavepoint] = ()
        self.key: Hashable = None
        if bound.key_of is not None:
            key = bound.key_of(signal, receiver, arguments)
            self.key = (bound.delivery, receiver_key(receiver), key)
        self.scheduled = self.new_handle()
        bound.counts["scheduled"] += 1

    def new_handle(self) -> Scheduled:
        """Return a new handle for the call."""
        return Scheduled(self)

    @property
    def is_awaited(self) -> bool:
        """Whether code that can await makes the call on its event loop, not in a thread."""
        return self.registration.is_async

    @property
    def is_written(self) -> bool:
        """Whether the call is a part of the transaction, so that a commit alone makes it."""
        return False

    def make(self) -> Any:
        """Call the sync receiver; return its response."""
        return self.boundary.call_receiver(self)

    async def amake(self) -> Any:
        """Await the async receiver; return its response."""
        return await self.boundary.acall_receiver(self)

    def call_arguments(
        self, as_sent: Callable[[PendingCall], dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        """Return the keywords for the receiver: those of the last send that was merged.

        A boundary calls it just before the receiver, because a reader of `clarion.tail` measures from here.

        Args:
            as_sent: returns the keywords of one send; by default its arguments.
        """
        if not (self.bound.requests_sends or (self.merged and self.registration.requested)):
            return self.arguments if as_sent is None else as_sent(self)
        sends = (*self.merged, self)
        return self._merge_arguments(
            [each.arguments if as_sent is None else as_sent(each) for each in sends]
        )

    def _merge_arguments(self, sends: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the keywords for the receiver from those of each merged send, in order."""
        arguments = sends[-1]
        requested = self.registration.requested
        if requested and len(sends) > 1:
            merge = policy_of(self.signal).merge
            arguments = {**arguments, **{name: merge(name, sends) for name in requested}}
        return {**arguments, "sends": sends} if self.bound.requests_sends else arguments

    def merge(self, earlier: PendingCall) -> None:
        """Replace an earlier call of the same key, whose status becomes "merged"."""
        if earlier is self:
            return
        earlier.scheduled.outcome = "merged"
        self.bound.count("merged")
        # Moved, not copied: there may be one for each row of a table.
        self.merged, earlier.merged = earlier.merged, self.merged
        self.merged.append(earlier)

    def finish(self, response: Any) -> None:
        """Store what the receiver returned; the status becomes "ran".

        Raises:
            SignatureError: if it is a coroutine or a generator, whose code has not run.
        """
        check_response(self.receiver, response)
        self.scheduled.response = response
        self.scheduled.outcome = "ran"
        self.bound.counts["ran"] += 1

    def fail(self, error: BaseException) -> None:
        """Store what the receiver raised; the status becomes "failed"."""
        scheduled = self.scheduled
        scheduled.response = error
        scheduled.outcome = "failed"
        # The traceback holds the call. A handle with the error would complete a cycle.
        self.scheduled = self.new_handle()
        self.scheduled.outcome = "failed"
        self.bound.count("failed")

    def abandon(self) -> None:
        """Give up the call, although its transaction was or may have been committed."""
        self.scheduled.outcome = "abandoned"
        self.bound.count("abandoned")

    def is_rolled_back(self) -> bool:
        """Return whether a savepoint of user code around the send was rolled back."""
        return any(each.is_rolled_back for each in self.savepoints)

    def drop(self) -> None:
        """Give up the call, because its transaction was rolled back."""
        self.scheduled.outcome = "dropped"
        self.bound.count("dropped")

    def suppress(self) -> None:
        """Give up the call, because side effects are suppressed."""
        self.scheduled.outcome = "suppressed"
        self.bound.count("suppressed")
