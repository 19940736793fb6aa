"""The protocol of a delivery to an engine, as `durable(via=...)` uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from clarion.outbox.delivery_row import Claim


class Via(Protocol):
    """A delivery to an engine, to which a worker hands stored deliveries.

    `clarion.background.EngineDelivery` is one.
    """

    def check_via(self, *, has_key: bool) -> None:
        """Refuse, at connect, an engine that stored deliveries cannot be handed to.

        Args:
            has_key: whether the stored deliveries have a key.

        Raises:
            ArgumentError: if the engine loses calls or does not keep the order of a key, or the delivery
                has options that are those of `durable`.
        """
        ...

    def hand_over(self, receiver: str, claim: Claim) -> None:
        """Give a stored delivery to the engine, and return once its broker has confirmed it.

        Args:
            receiver: the stable name of the receiver.
            claim: the delivery.

        Raises:
            Exception: if the broker may not have received it. The worker tries again.
        """
        ...
