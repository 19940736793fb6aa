"""The receivers that a worker serves, by the names in the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion._core.names import quoted_name
from clarion.errors import ArgumentError
from clarion.outbox.delivery_row import NO_EVENT
from clarion.outbox.receivers import connected_receivers
from clarion.worker.failures import LostEventError, UnknownSignalError
from clarion.worker.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.outbox.database import Database
    from clarion.outbox.receivers import StoredReceiver


class Plans:
    """How each receiver is called, computed at its first delivery.

    Args:
        database: the database of the worker.
        only: the names of the receivers to serve; None for all that are connected.
        hands_over: whether deliveries with `via` are handed to their engine.

    Raises:
        ArgumentError: if `only` is a text.
    """

    def __init__(
        self, database: Database, only: Sequence[str] | None = None, *, hands_over: bool = True
    ) -> None:
        if isinstance(only, str):  # its letters would be the names
            raise ArgumentError(
                "A worker was given receivers=a str. Give a list of names, such as ['shop:mail'].",
                ["receivers"],
            )
        self._provided = tuple(database.provides)
        self._hands_over = hands_over
        self._only = None if only is None else frozenset(only)
        self._plans: dict[tuple[str, str], Plan] = {}

    def missing(self) -> list[str]:
        """Return the names to serve that no connected receiver has."""
        return sorted((self._only or frozenset()) - connected_receivers().keys())

    def receivers(self) -> dict[str, list[StoredReceiver]]:
        """Return the receivers to serve, by each of their names and aliases."""
        found = connected_receivers()
        if self._only is None:
            return found
        return {
            name: stored
            for name, stored in found.items()
            if any(self._only & set(each.names) for each in stored)
        }

    def plan_for(self, receiver: str, signal: str) -> Plan:
        """Return how a receiver is called for a signal.

        Args:
            receiver: the name of the receiver in the row.
            signal: the name of the signal in the row.

        Raises:
            UnknownSignalError: if no connected receiver of this signal has the name.
            LostEventError: if the event of the delivery was deleted.
        """
        if signal == NO_EVENT:
            raise LostEventError
        plan = self._plans.get((receiver, signal))
        if plan is not None and plan.is_connected:
            return plan
        plan = self._plans[receiver, signal] = self._made(receiver, signal)
        return plan

    def _made(self, receiver: str, signal: str) -> Plan:
        for stored in self.receivers().get(receiver, []):
            registration, of_signal = stored.registration(), stored.signal
            if registration is not None and of_signal is not None and stored.signal_name == signal:
                return Plan(
                    stored, registration, of_signal, self._provided, hands_over=self._hands_over
                )
        raise UnknownSignalError(
            f"no receiver of this name is connected to the signal {quoted_name(signal)}"
        )
