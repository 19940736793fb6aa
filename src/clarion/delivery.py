"""When a receiver runs: inside the send, or whenever its delivery says.

    @receiver(order_paid)                               # now: the send calls it
    @receiver(order_paid, delivery=on_commit)           # once the transaction commits

A delivery is given to `connect`, which binds it to the receiver. From then on the send
leaves the receiver to what that gave, and knows no more of it. `now` binds to nothing: the
send calls the receiver itself, as it does without any delivery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.typing import Receiver

__all__ = ["Bound", "Delivery", "now"]


class Delivery(Protocol):
    """What `delivery=` takes."""

    def bind(self, receiver: Receiver, signal: Signal) -> Bound | None:
        """Return what delivers to this receiver, or None if sends are to call it.

        It must not keep the receiver alive, which may be held weakly.

        Args:
            receiver: who is being connected.
            signal: to what.

        Raises:
            ClarionError: if the receiver cannot be delivered to so.
        """
        ...


class Bound(Protocol):
    """A delivery, bound to a receiver of a signal."""

    @property
    def provides(self) -> tuple[str, ...]:
        """The names of what it gives to a receiver that has a parameter of that name."""
        ...

    def send(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **named: Any
    ) -> Any:
        """Deliver one send; what is returned stands for the receiver's answer.

        What it raises ends the send, as if the receiver had raised it.

        Args:
            signal: the signal.
            registration: who listens, as it was connected.
            receiver: the receiver, which is alive.
            **named: what it is to be called with, `sender` included.
        """
        ...

    async def asend(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **named: Any
    ) -> Any:
        """Deliver one `asend`, as `send`."""
        ...

    def awaits(self, signal: Signal, receiver: Receiver, /, **named: Any) -> bool:
        """Tell whether `send` would have to await the receiver, which is async, before it returns.

        It is asked where an event loop runs, before any receiver is called; before an `asend`
        too, where what it returns does not matter.

        Raises:
            ClarionError: if the receiver cannot be awaited when its time comes, for nothing
                will await there.
        """
        ...

    def explain(self, signal: Signal, /, **named: Any) -> str:
        """Say in a few words when the receiver would run, if this were sent now."""
        ...


class _Now:
    """The delivery of those that the send itself calls."""

    def bind(self, receiver: Receiver, signal: Signal) -> None:
        """Bind to nothing."""

    def __repr__(self) -> str:
        return "now"


now = _Now()
"""The receiver is called inside the send, as without any delivery."""
