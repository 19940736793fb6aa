"""How a kind of signal behaves, in one object that its table holds.

The dispatcher asks the policy wherever kinds differ: what receivers are called with, which
receivers and senders are accepted, where coroutines and worker threads come from. The
policy of a kind derives from `Policy` and overrides the methods that differ.
"""

from __future__ import annotations

from types import MethodType

from clarion._core import loops, names, thread_loop
from clarion._core.checks import check_sender, refuse_send, refuse_signature
from clarion._core.keywords import ANY, DeclaredKeywords
from clarion._core.registry import is_signal
from clarion._core.signatures import (
    CO_KEYWORDS_AND_GENERATORS,
    CO_VARKEYWORDS,
    accepts_any_keyword,
    asks_for,
    refusal,
)
from clarion._core.usable import check_bound, check_cache, check_filled, check_usable
from clarion._core.value_senders import warn_of_value
from clarion.errors import ArgumentError, SignatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
    from typing import Any, TypeVar

    from clarion._core.keywords import Keywords
    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver

    T = TypeVar("T")


# What each send of a plain signal gives.
_GIVEN = ("sender", "signal")


class Policy:
    """The behaviour of a signal that takes any keyword. One object can serve many signals.

    Attributes:
        keywords: the arguments of the receivers for each set of keywords of a send, for the
            compiled send. It agrees with `complete_arguments`.
        own_sends: the functions of a signal's sends, by method, if it has its own.
        parameters: the keywords that every send gives; None if any are allowed.
        provides: the names that a receiver may request beside the arguments.
    """

    __slots__ = ()

    keywords: Keywords = ANY
    own_sends: dict[Any, Any] | None = None
    parameters: Collection[str] | None = None
    provides: tuple[str, ...] = ()

    def complete_arguments(
        self, signal: Signal, sender: object, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the arguments of each receiver. The method may change the given dictionary.

        Args:
            signal: the signal that is sent.
            sender: the sender.
            kwargs: the keywords of the send.

        Raises:
            ArgumentError: if the signal cannot be sent with these keywords.
        """
        if "signal" in kwargs:
            raise ArgumentError(
                f"Signal {names.signal_name(signal)} was sent with a keyword 'signal', which the "
                f"send itself gives to receivers. Choose another name for it.",
                ["signal"],
            )
        kwargs["signal"] = signal
        kwargs["sender"] = sender
        return kwargs

    def check_receiver(
        self,
        signal: Signal,  # noqa: ARG002
        receiver: Receiver,
        provided: tuple[str, ...] = (),  # noqa: ARG002
        flags: int = 0,
    ) -> None:
        """Refuse a receiver that a send could not call.

        Args:
            signal: the signal it is connected to.
            receiver: the receiver.
            provided: the names that its delivery provides.
            flags: the flags of its code, as `flags_of` returns them.

        Raises:
            ReceiverError: if it is not callable, or does not accept the call.
        """
        if flags & CO_KEYWORDS_AND_GENERATORS == CO_VARKEYWORDS:
            check_bound(receiver)
            return
        if not accepts_any_keyword(receiver):
            refuse_signature(receiver)
        if type(receiver) is not MethodType:
            check_usable(receiver)
        elif is_signal(getattr(receiver, "__self__", None)):
            refuse_send(receiver)
        else:
            check_cache(receiver)
        check_filled(receiver, _GIVEN)

    def check_sender(self, sender: object, *, subclasses: bool) -> None:
        """Refuse a sender by which no send can be routed; warn of one that equal objects do not match.

        Raises:
            SenderError: if it is unhashable, or no class where `subclasses` is set.
        """
        check_sender(sender, subclasses=subclasses)
        warn_of_value(sender)

    def resolve_sender(self, sender: object) -> object:
        """Return the sender that was given to `connect`, or that the given name means."""
        return sender

    def requested(self, receiver: Receiver) -> tuple[str, ...]:
        """Return which of the names in `provides` a receiver has as parameters."""
        return tuple(name for name in self.provides if asks_for(receiver, name))

    def provide(self, signal: Signal, name: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """Return the value of a name that a receiver requested."""
        return signal

    def merge(self, name: str, sends: Sequence[Mapping[str, Any]]) -> Any:
        """Return the value of a requested name for sends that one call of the receiver merges.

        Args:
            name: the name.
            sends: what the receiver would be called with by each send, in order.
        """
        return sends[-1][name]

    def log_failure(self, signal: Signal, receiver: Receiver, error: Exception) -> None:
        """Log the error of a receiver in a robust send."""
        import logging

        logging.getLogger("clarion").error(
            "Error calling %s in a robust send of %s (%s)",
            names.name_of(receiver),
            names.signal_name(signal),
            error,
            exc_info=error,
        )

    def run_coroutine(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to completion, in a thread where no event loop runs."""
        return thread_loop.complete(coroutine)

    async def run_in_thread(self, function: Callable[[], T]) -> T:
        """Call a function in a worker thread and return its result."""
        return await loops.run_in_thread(function)


ANY_KEYWORD = Policy()
"""The policy of a plain `Signal`."""


class DeclaredPolicy(Policy):
    """How a declared signal behaves: its sends and receivers fit the declaration.

    Args:
        parameters: the names of the keywords that it declares.
        defaults: the values of the keywords that a send may leave out.

    Attributes:
        own_sends: the functions of the signal's sends, by method, once they have been read.
    """

    __slots__ = ("defaults", "keywords", "own_sends", "parameters")

    parameters: Collection[str]
    provides: tuple[str, ...] = ("signal",)

    def __init__(self, parameters: Collection[str], defaults: Mapping[str, Any]) -> None:
        self.parameters = dict.fromkeys(parameters).keys()  # pyright: ignore[reportIncompatibleVariableOverride]
        self.defaults = dict(defaults)
        self.own_sends: dict[Any, Any] = {}  # pyright: ignore[reportIncompatibleVariableOverride]
        self.keywords = DeclaredKeywords(self.parameters, self.defaults)

    def complete_arguments(
        self, signal: Signal, sender: object, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the keywords with the defaults and the sender; refuse any others."""
        if kwargs.keys() != self.parameters:
            kwargs = self.defaults | kwargs
            if kwargs.keys() != self.parameters:
                raise self._mismatch(signal, kwargs)
        kwargs["sender"] = sender
        return kwargs

    def _mismatch(self, signal: Signal, kwargs: dict[str, Any]) -> ArgumentError:
        unknown = [keyword for keyword in kwargs if keyword not in self.parameters]
        missing = [keyword for keyword in self.parameters if keyword not in kwargs]
        faults = [f"without {', '.join(missing)}"] if missing else []
        faults += (
            [f"with {names.keyword_names(unknown)}, which it does not declare"] if unknown else []
        )
        wanted = ", ".join(self.parameters) or "no keywords"
        return ArgumentError(
            f"Signal {names.signal_name(signal)} was sent {' and '.join(faults)}. "
            f"It takes {wanted}.",
            [*missing, *unknown],
        )

    def check_receiver(
        self,
        signal: Signal,
        receiver: Receiver,
        provided: tuple[str, ...] = (),
        flags: int = 0,  # noqa: ARG002
    ) -> None:
        """Refuse a receiver that cannot be called with the declared and provided arguments."""
        check_usable(receiver)
        given = {"sender", *self.parameters, *self.requested(receiver)}
        given.update(name for name in provided if asks_for(receiver, name))
        check_filled(receiver, given)
        reason = refusal(receiver, given)
        if reason is not None:
            raise SignatureError(
                f"Receiver {names.described(receiver)} cannot be called by signal "
                f"{names.signal_name(signal)}: {reason}. "
                f"Give it the parameters {', '.join(['sender', *self.parameters])}.",
                receiver,
            )
