"""Checks of objects that a caller passed, with the errors that refuse them."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from types import FunctionType, GeneratorType, MethodType

from clarion._core.names import described, dotted, value_name
from clarion._core.registry import is_signal
from clarion._core.signatures import is_positional
from clarion._core.usable import check_usable
from clarion.errors import ArgumentError, NotCallableError, SenderError, SignatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Never

    from clarion._core.signal import Signal

# A collection of senders is a mistake: it would match itself only.
_EMPTY: dict[str, str] = {}
_COLLECTIONS = frozenset(
    {tuple, list, set, frozenset, dict, type(_EMPTY.keys()), type(_EMPTY.values())}
    | {deque, Counter, OrderedDict, defaultdict, GeneratorType}
)
# Modules whose iterators are not senders of a program, such as `map` and `itertools.chain`.
_OF_ITERATORS = frozenset({"builtins", "itertools"})

# The types of `A | B`, of `typing.Optional`, and of both in Python 3.14. Importing typing takes long.
_UNIONS = frozenset({"types.UnionType", "typing._UnionGenericAlias", "typing.Union"})

# What other libraries write for "any sender". Here it would be a sender that no send has.
_ANY_SENDER = frozenset(
    {
        "blinker._utilities.Symbol",
        "pydispatch.dispatcher._Any",
        "unittest.mock._ANY",
        "typing.Any",
    }
)


def check_signal(candidate: object) -> Signal:
    """Return an object if it is a signal; refuse it otherwise."""
    if issubclass(type(candidate), (list, tuple, set, frozenset)):
        raise ArgumentError(
            f"{value_name(candidate)} is not a signal that Clarion dispatches. Give all signals one by one."
        )
    if not is_signal(candidate):
        raise ArgumentError(
            f"{value_name(candidate)} is not a signal that Clarion dispatches. Give a Clarion signal, or a "
            f"Django one with 'clarion.integrations.django' in INSTALLED_APPS."
        )
    return candidate


def refuse_signature(receiver: Any) -> Never:
    """Refuse a receiver that a call with any keyword does not run."""
    check_usable(receiver)
    if is_positional(receiver):
        raise SignatureError(
            f"A send gives every argument by name, and {described(receiver)} requires one by "
            f"position. Remove the `/` from its parameters.",
            receiver,
        )
    raise SignatureError(
        f"Signal receivers must accept keyword arguments (**kwargs). "
        f"Add **kwargs to {described(receiver)}.",
        receiver,
    )


def refuse_send(receiver: Any) -> Never:
    """Refuse a send of a signal as a receiver of a plain signal, which passes `signal`, too."""
    raise NotCallableError(
        f"A method of {value_name(receiver.__self__)} is not a receiver, because it would get `signal` "
        f"twice. Connect a function that sends the signal.",
        receiver,
    )


def check_order(receiver: object, sender: object) -> None:
    """Refuse a sender as the receiver and a function as the sender.

    Raises:
        ArgumentError: if the two arguments of `connect` are swapped.
    """
    is_swapped = isinstance(sender, (FunctionType, MethodType)) and (
        isinstance(receiver, type) or not callable(receiver)
    )
    if is_swapped:
        raise ArgumentError(
            f"connect() was given {value_name(receiver)} as the receiver and {value_name(sender)} as the "
            f"sender. Write connect(receiver, sender).",
            ["receiver", "sender"],
        )


def check_delivery(delivery: object) -> None:
    """Refuse an object that is not a delivery.

    Raises:
        ArgumentError: if it is a class, or cannot be bound to a receiver.
    """
    if isinstance(delivery, type):
        raise ArgumentError(
            f"{value_name(delivery)} is a class, not a delivery. Give an instance of it, such as "
            f"clarion.on_commit.",
            ["delivery"],
        )
    if not hasattr(type(delivery), "bind"):  # a protocol, which no `__getattr__` fulfils
        raise ArgumentError(
            f"{value_name(delivery)} is not a delivery. Give one, such as clarion.on_commit; without "
            f"`delivery`, the send calls the receiver.",
            ["delivery"],
        )


def check_once(bound: object, receiver: object) -> None:
    """Refuse `once=True` for a receiver that another process calls, or this one later by its name.

    The send would disconnect it, so that a worker would not find it, and other processes would still
    have it.

    Raises:
        ArgumentError: if the delivery is one to a worker.
    """
    if getattr(bound, "is_called_by_name", False):
        raise ArgumentError(
            f"Receiver {described(receiver)} was given once=True, and a worker calls it, which would not find "
            f"a receiver that the send has disconnected. Leave once=True out, and disconnect it in the "
            f"programs that send.",
            ["once"],
        )


def check_subclasses(sender: object, *, subclasses: bool) -> None:
    """Refuse `subclasses=True` for a sender that is not a class.

    Raises:
        SenderError: if `subclasses` is set and the sender is not a class.
    """
    if subclasses and not issubclass(type(sender), type):
        raise SenderError(
            f"The sender ({value_name(sender)}) is not a class, so subclasses=True has nothing to match. "
            f"Give a class as the sender, or leave subclasses out.",
            sender,
        )


def check_sender(sender: object, *, subclasses: bool) -> None:
    """Refuse a sender by which no send can be routed.

    Raises:
        SenderError: if it is unhashable, no class where `subclasses` is set, or another library's
            object for any sender.
    """
    kind: Any = sender if issubclass(type(sender), type) else type(sender)
    if f"{kind.__module__}.{kind.__qualname__}" in _ANY_SENDER:
        raise SenderError(
            f"The sender ({value_name(sender)}) is another library's name for any sender, and no send has "
            f"it. Leave sender out, which means any sender.",
            sender,
        )
    if subclasses:
        check_subclasses(sender, subclasses=subclasses)
    if is_collection(sender):
        raise SenderError(collection_message(sender), sender)
    try:
        hash(sender)
    except TypeError:
        raise SenderError(
            f"The sender ({value_name(sender)}) is unhashable, so no send can be routed by it. "
            f"Connect to its class or to a string, or give {type(sender).__qualname__!r} a __hash__.",
            sender,
        ) from None


def is_collection(sender: object) -> bool:
    """Return whether a sender is a collection or an iterator of senders, or a union of classes."""
    kind: Any = type(sender)
    is_iterator = hasattr(kind, "__next__") and kind.__module__ in _OF_ITERATORS
    return kind in _COLLECTIONS or is_iterator or _is_union(sender)


def _is_union(sender: object) -> bool:
    kind = type(sender)
    return kind.__module__ in {"types", "typing"} and dotted(kind) in _UNIONS


def collection_message(sender: object) -> str:
    """Return the message for a sender that is a collection of senders."""
    name = "a union" if _is_union(sender) else value_name(sender)
    return (
        f"The sender is {name}, and no send by one of its items matches it. "
        f"Connect the receiver once for each sender, or for any sender."
    )
