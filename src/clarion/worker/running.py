"""The running calls with a time limit. Python cannot end the thread of a sync receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clarion._core.fork import new_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.outbox.delivery_row import Claim
    from clarion.worker.plan import Plan


class Call(NamedTuple):
    """A call that is running.

    Attributes:
        claim: the delivery.
        plan: how its receiver is called.
        deadline: when its time is over, on the monotonic clock.
        end: ends the transaction of the call, from another thread; None without a transaction.
    """

    claim: Claim
    plan: Plan
    deadline: float
    end: Callable[[], None] | None = None


class Running:
    """The call that one job makes at the moment, if it has a time limit.

    Attributes:
        is_abandoned: whether the call was over its time limit, so that the worker ignores its thread.
    """

    def __init__(self) -> None:
        self.is_abandoned = False
        self._call: Call | None = None
        self._lock = new_lock()

    def begin(self, claim: Claim, plan: Plan, deadline: float) -> None:
        """Record the call that begins."""
        with self._lock:
            self._call = Call(claim, plan, deadline)

    def note_end(self, end: Callable[[], None] | None) -> None:
        """Record the function that ends the transaction of the running call.

        Raises:
            TimeoutError: if its time was over before the transaction began. The receiver is not called.
        """
        with self._lock:
            if self.is_abandoned:
                raise TimeoutError(
                    "The time of the receiver was over before its transaction began."
                )
            if self._call is not None:
                self._call = self._call._replace(end=end)

    def end(self) -> None:
        """Record that the call has ended."""
        with self._lock:
            self._call = None

    def deadline(self) -> float | None:
        """Return when the time of the running call is over; None without a limit."""
        call = self._call
        return None if call is None or self.is_abandoned else call.deadline

    def abandon(self, now: float) -> Call | None:
        """Abandon the job if its call is over its time limit; return that call, or None."""
        with self._lock:
            if self._call is None or self.is_abandoned or now < self._call.deadline:
                return None
            self.is_abandoned = True
            return self._call
