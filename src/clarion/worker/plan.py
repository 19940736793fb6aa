"""How a worker calls one receiver, computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from clarion._core.names import keyword_names, signal_name
from clarion._core.tabled import policy_of
from clarion.envelope.codec import codec_of
from clarion.errors import DecodingError
from clarion.outbox.options import SAME_DATABASE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.commit.call_check import CallCheck
    from clarion.outbox.delivery_row import Claim
    from clarion.outbox.receivers import NamedReceiver
    from clarion.outbox.via import Via
    from clarion.typing import Receiver


class Plan:
    """How a worker calls one receiver.

    Args:
        stored: the receiver.
        registration: its registration.
        signal: its signal.
        provided: the names of the arguments that the worker's database provides.
        hands_over: whether deliveries with `via` are handed to their engine; otherwise the receiver
            is called.

    Attributes:
        options: the options of its delivery.
        is_async: whether the receiver is awaited.
        is_same_database: whether its writes and the settlement commit together.
        needs_transaction: whether each call has a transaction of the database.
        shown: the receiver as messages show it.
        registration: its registration.
        signal: its signal.
        receiver: returns the live receiver; None if it was freed or disconnected.
        name: the stable name of the receiver.
        via: what hands its deliveries to an engine; None if the receiver is called.
    """

    def __init__(
        self,
        stored: NamedReceiver,
        registration: Registration,
        signal: Signal,
        provided: tuple[str, ...],
        *,
        hands_over: bool = True,
    ) -> None:
        self.options: Any = stored.options
        self.shown = stored.shown
        self.name = stored.name
        self.via: Via | None = getattr(stored.options, "via", None) if hands_over else None
        self.is_async = registration.is_async and self.via is None
        self._stored = stored
        self.registration = registration
        self.receiver: Callable[[], Receiver | None] = registration.live
        self.signal = signal
        requested: tuple[str, ...] = getattr(stored, "requested", ())
        self._wants_uid = "delivery_uid" in requested
        self._wants_attempt = "attempt" in requested
        self.is_same_database = stored.options.effects == SAME_DATABASE and self.via is None
        self.needs_transaction = self.is_same_database or any(
            name in requested for name in provided
        )
        self._requested = frozenset(requested)
        # A payload holds what any receiver of the send has requested.
        self._unwanted = frozenset(policy_of(signal).provides) - set(registration.requested)
        call_check: CallCheck | None = getattr(stored, "call_check", None)
        self._required = frozenset[str]() if call_check is None else call_check.required
        self._load = codec_of(signal).load
        self._with_snapshots = stored.options.missing == "snapshot"

    @property
    def is_connected(self) -> bool:
        """Whether the registration is still among those of its signal."""
        return self._stored.registration() is self.registration

    def arguments(
        self, claim: Claim, session: Any = None, provided: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the arguments of one call.

        Args:
            claim: the delivery.
            session: what loads the references in the payload.
            provided: what the transaction provides.

        Raises:
            GoneError: if a row that the send names does not exist any more.
            DecodingError: if the payload is damaged, or lacks what the receiver requires.
            NewerVersionError: if a newer program has stored it.
        """
        arguments = self._load(
            self.signal,
            claim.payload,
            claim.version,
            session,
            snapshots=self._with_snapshots,
        )
        for name in self._unwanted:
            arguments.pop(name, None)
        if self._wants_uid:
            arguments["delivery_uid"] = UUID(claim.uid)
        if self._wants_attempt:
            arguments["attempt"] = claim.failures + 1
        if provided:
            for name in self._requested & provided.keys():
                arguments[name] = provided[name]
        if not arguments.keys() >= self._required:
            raise self._lacking(self._required - arguments.keys())
        return arguments

    def _lacking(self, names: Collection[str]) -> DecodingError:
        # The receiver has changed since the send, which was checked.
        signal = signal_name(self.signal)
        return DecodingError(
            f"A stored send of signal {signal} has no {keyword_names(names)}, which receiver {self.shown} "
            f"requires. Give the parameter a default, or register an upcaster for the older version.",
            signal,
        )
