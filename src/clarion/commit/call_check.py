"""Check at the send what a receiver requires, because a failure after the commit is only logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core.names import described, keyword_names, signal_name
from clarion._core.signatures import asks_for, is_async, signature_of
from clarion.commit.boundary import Boundary
from clarion.commit.outside import outside_of
from clarion.commit.parameters import Parameters
from clarion.commit.suppress import active_suppression
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Collection

    from clarion._core.signal import Signal
    from clarion.delivery import Delivery
    from clarion.typing import Receiver


class CallCheck:
    """The arguments that one receiver requires of each send, without a reference to it.

    Args:
        receiver: the receiver.
        delivery: the delivery that it is connected with.
        provided: the names of the arguments that the delivery adds to a send.
        is_declared: whether `connect` compares the receiver with the keywords of its signal.
        asks_boundary: whether the boundary of the send has to give the session; otherwise a worker
            does.

    Attributes:
        is_needed: whether a send has anything to check.
        required: the keywords that each send needs.
    """

    __slots__ = (
        "_delivery",
        "_is_async",
        "_needs_session",
        "_parameters",
        "is_needed",
        "required",
    )

    def __init__(
        self,
        receiver: Receiver,
        delivery: Delivery,
        provided: Collection[str],
        *,
        is_declared: bool,
        asks_boundary: bool = True,
    ) -> None:
        self._delivery = delivery
        self._is_async = is_async(receiver)
        self._needs_session = asks_boundary and _requires_session(receiver)
        self._parameters = taken = Parameters(None if is_declared else receiver)
        # Every send has `sender` and `signal`; `session_fault` checks `session`.
        self.required = taken.required.difference({"sender", "signal", "session", *provided})
        self.is_needed = bool(self._needs_session or taken.needs_position or self.required)
        self.is_needed |= taken.accepted is not None

    def check(
        self, signal: Signal, receiver: Receiver, boundary: Boundary, arguments: dict[str, Any]
    ) -> None:
        """Refuse a send whose call of the receiver would fail.

        Raises:
            ArgumentError: if the receiver would lack a required argument, or get one that it does not
                accept.
        """
        given, accepted = arguments.keys(), self._parameters.accepted
        if (
            given >= self.required
            and (accepted is None or given <= accepted)
            and not self._parameters.needs_position
            and not self._needs_session
        ):
            return
        if active_suppression() is None:
            self._check_keywords(signal, receiver, {*given, *boundary.adds})
            if (fault := self.session_fault(boundary, given)) is not None:
                raise ArgumentError(
                    f"Receiver {described(receiver)} {fault}. Send within a session of SQLAlchemy's "
                    f"(an AsyncSession for an async receiver), or give `session` a default.",
                    ["session"],
                )

    def _check_keywords(self, signal: Signal, receiver: Receiver, given: set[str]) -> None:
        accepted = self._parameters.accepted
        if self._parameters.needs_position:
            raise ArgumentError(
                f"A send gives every argument by name, and {described(receiver)} requires one by "
                f"position. Remove the `/` from its parameters."
            )
        if missing := self.required - given:
            # A receiver asks for the merged sends by this name.
            of_delivery = "Connect it with on_commit(coalesce=...), which gives it"
            cure = of_delivery if missing == frozenset({"sends"}) else "Send it"
            raise ArgumentError(
                f"Receiver {described(receiver)} requires {keyword_names(missing)}, which signal "
                f"{signal_name(signal)} was not sent with. {cure}, or give the parameter a default.",
                missing,
            )
        if accepted is not None and (unaccepted := given - accepted):
            raise ArgumentError(
                f"Receiver {described(receiver)} does not accept {keyword_names(unaccepted)}, which "
                f"signal {signal_name(signal)} was sent with. Add **kwargs to its parameters.",
                unaccepted,
            )

    def session_fault(self, boundary: Boundary, given: Collection[str]) -> str | None:
        """Return why the receiver would not get the session that it requires, or None."""
        # A boundary with sessions gives its own, even if the send has a keyword `session`.
        is_given = boundary.gives_session(is_async=self._is_async)
        if (
            not self._needs_session
            or is_given
            or ("session" in given and not boundary.has_sessions)
        ):
            return None
        if not boundary.is_open() and outside_of(self._delivery) != "run":
            return None  # the receiver is not called
        kind = "no async one" if boundary.has_sessions else "none"
        if type(boundary) is Boundary:  # its name is "no transaction"
            kind = "one"
        return f"asks for a session, and {boundary.name} has {kind} to give"


def _requires_session(receiver: Receiver) -> bool:
    signature = signature_of(receiver)
    if signature is None or not asks_for(receiver, "session"):
        return False
    parameter = signature.parameters["session"]
    return parameter.default is parameter.empty
