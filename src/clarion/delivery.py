"""Deliveries: when a receiver runs.

    @receiver(order_paid)                               # now: the send calls it
    @receiver(order_paid, delivery=on_commit)           # once the transaction commits

`connect` binds a delivery to the receiver. From then on each send calls the bound delivery
instead of the receiver. `now` binds to None: the send calls the receiver itself, as without
a delivery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.typing import Receiver

__all__ = ["Batch", "Bound", "Delivery", "now"]


class Delivery(Protocol):
    """The type of the option `delivery`."""

    def bind(self, receiver: Receiver, signal: Signal) -> Bound | None:
        """Return the delivery bound to a receiver, or None if sends call it directly.

        It must not keep the receiver alive, which may be held weakly.

        Args:
            receiver: the receiver that is connected.
            signal: the signal it is connected to.

        Raises:
            ClarionError: if it cannot deliver to this receiver.
        """
        ...


class Bound(Protocol):
    """A delivery, bound to a receiver of a signal."""

    @property
    def provides(self) -> tuple[str, ...]:
        """The names of the arguments that it provides if the receiver has such parameters."""
        ...

    def send(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **arguments: Any
    ) -> Any:
        """Deliver one send, and return the response of the receiver in that send.

        An exception ends the send, like an exception of the receiver.

        Args:
            signal: the signal.
            registration: the registration of the receiver.
            receiver: the live receiver.
            **arguments: the arguments of the receiver, including `sender`.
        """
        ...

    async def asend(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **arguments: Any
    ) -> Any:
        """Deliver one `asend`, as `send` does."""
        ...

    def awaits(self, signal: Signal, receiver: Receiver, /, **arguments: Any) -> bool:
        """Return whether `send` would have to await the async receiver before it returns.

        It is called before any receiver, in a send where an event loop runs. It is also called
        in each `asend`, which ignores the result.

        Raises:
            ClarionError: if nothing could await the receiver later.
        """
        ...

    def explain(self, signal: Signal, /, **arguments: Any) -> str:
        """Describe in a few words when the receiver would run if this were sent now."""
        ...


class Batch(Protocol):
    """Delivers one send to several receivers together.

    A bound delivery may have an attribute `batch`. The receivers of a send whose deliveries have
    the same batch object are given to it in one call, after the other receivers of the send.

    A batch may have `send_robust` and `asend_robust` too, with the same arguments, for robust sends. They
    return the exception in place of the response of a receiver that has failed.
    """

    def send(
        self, signal: Signal, calls: Sequence[tuple[Registration, Receiver, dict[str, Any]]]
    ) -> list[Any]:
        """Deliver one send, and return the response for each receiver.

        Args:
            signal: the signal.
            calls: for each receiver its registration, the receiver, and its arguments.
        """
        ...

    async def asend(
        self, signal: Signal, calls: Sequence[tuple[Registration, Receiver, dict[str, Any]]]
    ) -> list[Any]:
        """Deliver one `asend`, as `send` does."""
        ...


class _Now:
    """The delivery inside the send."""

    def bind(self, receiver: Receiver, signal: Signal) -> None:
        """Return None: the send calls the receiver."""

    def __repr__(self) -> str:
        return "now"


now = _Now()
"""The send calls the receiver, as without a delivery."""
