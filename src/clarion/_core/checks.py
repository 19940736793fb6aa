"""Checks of objects that a caller passed, with the errors that refuse them."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from functools import partial
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType, MethodType

from clarion._core.names import described, dotted, value_name
from clarion._core.registry import is_signal
from clarion._core.signatures import (
    asks_for,
    is_async,
    is_coroutine_function,
    is_generator_function,
    is_positional,
    is_unbound_method,
)
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

# A call that returns one of these has not run its code yet.
_NOT_RUN = frozenset({CoroutineType, GeneratorType, AsyncGeneratorType})
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


def refuse_uncallable(receiver: object) -> Never:
    """Refuse a receiver that is not callable."""
    if issubclass(type(receiver), (classmethod, property)):
        cure = "connect the method after the class, as `Class.method` or `object.method`"
    else:
        cure = "connect a function, or give a sender as connect(sender=...)"
    name = value_name(receiver)
    raise NotCallableError(
        f"Signal receivers must be callable. {name[0].upper()}{name[1:]} is not; {cure}.",
        receiver,
    )


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


def check_usable(receiver: Any) -> None:
    """Refuse a receiver whose body no call of a send would run.

    Raises:
        ReceiverError: if it is not callable, is a generator function, or is a method
            without its object.
    """
    if not callable(receiver):
        refuse_uncallable(receiver)
    if is_signal(receiver):
        raise NotCallableError(
            f"{value_name(receiver)} is not a receiver. Connect a function that sends it.", receiver
        )
    if type(receiver) is FunctionType:
        _check_wrapper(receiver)
    _check_dispatch(receiver)
    check_cache(receiver)
    if is_generator_function(receiver):
        raise SignatureError(
            f"Receiver {described(receiver)} is a generator function, so a call does not run its body. "
            f"Remove the yield, or connect a function that iterates over it.",
            receiver,
        )
    check_bound(receiver)
    if isinstance(receiver, type):
        _check_class(receiver)


def _check_wrapper(function: FunctionType) -> None:
    """Refuse a function of the standard library that calls the wrapped one in another way.

    Raises:
        SignatureError: if it only makes a context manager or a coroutine.
    """
    module = function.__globals__.get("__name__")
    wrapped = getattr(function, "__wrapped__", None)
    if module == "contextlib" and is_generator_function(wrapped):
        raise SignatureError(
            f"Receiver {described(function)} makes a context manager, so a call does not run its body. "
            f"Connect a function that enters it by `with`.",
            function,
        )
    if module == "contextlib" and is_coroutine_function(wrapped) and not is_async(function):
        raise SignatureError(
            f"Receiver {described(function)} is an async function in a sync decorator of contextlib, so no "
            f"send awaits it. Use a with block in the function.",
            function,
        )


def _check_dispatch(receiver: Any) -> None:
    """Refuse a single-dispatch function, which chooses by an argument's position.

    Raises:
        SignatureError: if it is one.
    """
    kind = type(receiver)
    # From 3.14 on, a single-dispatch method is an object. Before, it is a function.
    is_function = kind is FunctionType and receiver.__globals__.get("__name__") == "functools"
    is_method = kind.__name__ == "_singledispatchmethod_get" and kind.__module__ == "functools"
    if is_method or (is_function and hasattr(receiver, "register")):
        raise SignatureError(
            f"Receiver {described(receiver)} is a single-dispatch function, which needs an argument by "
            f"position, and a send gives every argument by name. Connect a function that calls it.",
            receiver,
        )


def check_cache(receiver: Any) -> None:
    """Refuse a function with a cache, which does not run for arguments that it knows.

    Raises:
        SignatureError: if the receiver is a function under `functools.lru_cache` or `functools.cache`.
    """
    function = receiver
    while issubclass(type(function), partial):
        function = function.func
    function = getattr(function, "__func__", function)
    if type(function).__name__ == "_lru_cache_wrapper" and type(function).__module__ == "functools":
        raise SignatureError(
            f"Receiver {described(receiver)} has a cache, so a second send with the same arguments does not "
            f"run it. Remove the cache, or connect a function that calls it.",
            receiver,
        )


def check_response(receiver: Any, response: object) -> None:
    """Refuse a response whose code has not run, where nothing uses the responses of receivers.

    Raises:
        SignatureError: if it is a coroutine or a generator.
    """
    if type(response) not in _NOT_RUN:
        return
    is_generator = type(response) is not CoroutineType
    if type(response) is not AsyncGeneratorType:
        response.close()  # type: ignore[attr-defined]  # else Python warns of it, too
    what, cure = (
        ("generator that nothing iterates over", "Iterate over it in the receiver")
        if is_generator
        else ("coroutine that nothing awaits", "Connect the async function, or await it in one")
    )
    raise SignatureError(
        f"Receiver {described(receiver)} returned a {what}, so its code did not run. {cure}.",
        receiver,
    )


def check_bound(receiver: Any) -> None:
    """Refuse a method without its object.

    Raises:
        SignatureError: if the function is written in a class and requires `self`.
    """
    if is_unbound_method(receiver):
        raise SignatureError(
            f"Receiver {described(receiver)} is a method without its object, so no send can give `self`. "
            f"Connect the method of an object, `object.method`, or write a function without `self`.",
            receiver,
        )


def _check_class(receiver: type) -> None:
    """Refuse a class of which a send would only create an object.

    A class whose constructor has the parameter `sender` is meant as a receiver.
    """
    # `dict` takes all keywords of a send, and returns them.
    if receiver is dict or asks_for(receiver, "sender"):
        return
    raise SignatureError(
        f"Receiver {described(receiver)} is a class, and each send would only create an object of it. "
        f"Connect a function or an object, or give its __init__ a parameter `sender`. If it is the sender, "
        f"write connect(receiver, sender=...).",
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
