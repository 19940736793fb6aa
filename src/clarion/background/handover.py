"""A pending call that is handed to an engine after the commit, and the handle for it."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import ref

from clarion._core.names import signal_name
from clarion._core.notes import add_part_note
from clarion.background.commit_hold import spend, spent, time_left
from clarion.commit.pending_call import BoundReceiver, PendingCall, Scheduled

if TYPE_CHECKING:
    from collections.abc import Generator
    from uuid import UUID

    from clarion._core.signal import Signal
    from clarion.background.call import Call
    from clarion.background.delivery import EngineDelivery
    from clarion.commit.boundary import Boundary
    from clarion.typing import Receiver

logger = logging.getLogger("clarion.background")


class HandOver(Scheduled):
    """The response of a receiver that an engine carries out.

    Attributes:
        uid: identifies the send; the receiver gets it as `delivery_uid`.
        receiver: the stable name of the receiver.
        engine: the name of the engine.
        boundary: the name of the boundary whose commit it waits for.
        reason: why it waits for this boundary.
        response: the exception, if the engine did not confirm the call.
        is_at_once: whether it was enqueued inside the send, because no transaction was open.
        is_within: whether it was written in the transaction of the send.
        outcome: the final status; None until the call has one.
    """

    __slots__ = ("engine", "is_within", "receiver", "uid")

    def __init__(self, call: PendingHandOver) -> None:
        # Not by `super()`, which costs a call for each send.
        self._boundary = call.sent_in
        self._call = ref(call)
        self.reason = call.reason
        self.outcome = None
        self.response = None
        self.is_at_once = False
        self.uid: UUID = call.handed.uid
        self.receiver = call.handed.receiver
        self.engine = call.delivery.engine.name
        self.is_within = False

    @property
    def status(self) -> str:
        """The status of the call.

        One of "waiting", "enqueued", "failed", "dropped", "abandoned" and "suppressed".
        """
        return super().status

    def when(self) -> str:
        """Return when the engine gets the call, in words."""
        return f"in the transaction of {self.boundary}" if self.is_within else super().when()

    def __repr__(self) -> str:
        return f"<HandOver of {self.receiver} to {self.engine} {self.when()}: {self.status}>"


class _NoRegistration:
    """Represents the registration for a boundary, because a hand-over calls no receiver."""

    once = False
    is_async = False
    inline = True
    requested: tuple[str, ...] = ()


class PendingHandOver(PendingCall):
    """One call that is handed to an engine after a commit.

    Args:
        signal: the signal that was sent.
        receiver: the receiver.
        bound: the delivery, bound to the receiver.
        boundary: the boundary whose commit the call waits for.
        reason: why it waits for this boundary.
        handed: what the engine gets.
        delivery: the delivery.

    Attributes:
        sent_in: the boundary of the send.
        sent_at: when it was sent, by `time.monotonic`.
    """

    __slots__ = ("delivery", "handed", "sent_at", "sent_in")

    scheduled: HandOver

    def __init__(
        self,
        signal: Signal,
        receiver: Receiver,
        bound: BoundReceiver,
        boundary: Boundary,
        reason: str,
        handed: Call,
        delivery: EngineDelivery,
    ) -> None:
        self.handed = handed
        self.delivery = delivery
        self.sent_in = boundary
        self.sent_at = time.monotonic()
        registration: Any = _NoRegistration
        # The arguments are in the body already, so the boundary copies no objects.
        super().__init__(signal, registration, receiver, bound, boundary, reason, {"sender": None})

    def new_handle(self) -> HandOver:
        """Return a new handle for the call."""
        return HandOver(self)

    def make(self) -> None:
        """Enqueue the call, instead of calling the receiver."""
        if self.scheduled.is_within:
            return  # the commit has enqueued it
        began = time.monotonic()
        try:
            seconds = self.delivery.hold if spent.get() is None else time_left(self)
            self.delivery.enqueue(self.handed, seconds)
        except Exception as error:  # noqa: BLE001  # it is logged and counted
            spend(self, began)
            self.fail(error)

    async def amake(self) -> None:
        """Enqueue the call in a coroutine, as `make`."""
        if self.scheduled.is_within:
            return
        began = time.monotonic()
        try:
            await self.delivery.aenqueue(self.handed, time_left(self))
        except Exception as error:  # noqa: BLE001  # it is logged and counted
            spend(self, began)
            self.fail(error)

    @property
    def is_awaited(self) -> bool:
        """True: code that can await enqueues the call on its event loop."""
        return True

    @property
    def is_written(self) -> bool:
        """Whether the engine has written the call in the transaction."""
        return self.scheduled.is_within

    @contextmanager
    def failing(self) -> Generator[None]:
        """Count the outcome of the block, which enqueues the call; its error is raised."""
        try:
            yield
        except BaseException as error:
            self.scheduled.outcome = "failed"
            self.bound.count("failed")
            if isinstance(error, Exception):
                add_part_note(error, self.signal, self.receiver, "the hand-over")
            raise
        self.finish(None)

    def finish(self, response: Any) -> None:  # noqa: ARG002
        """Record that the engine has confirmed the call, unless it has failed."""
        if self.scheduled.outcome is None:
            self.scheduled.outcome = "enqueued"
            # Not by `count`, which costs a call for each delivery.
            self.bound.counts["enqueued"] += 1
            self.delivery.counts["enqueued"] += 1

    def fail(self, error: BaseException) -> None:
        """Log and count that the engine has not confirmed the call."""
        logger.error(
            "Receiver %s of signal %s was not handed to %s %s, and does not run",
            self.handed.receiver,
            signal_name(self.signal),
            self.delivery.engine.name,
            self.scheduled.when(),
            exc_info=error,
        )
        super().fail(error)
