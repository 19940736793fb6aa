"""Checks that a call of a receiver by a send would run its code."""

from __future__ import annotations

from functools import partial
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType

from clarion._core.names import described, value_name
from clarion._core.registry import is_signal
from clarion._core.signatures import (
    asks_for,
    filled_names,
    is_async,
    is_coroutine_function,
    is_generator_function,
    is_unbound_method,
)
from clarion.errors import NotCallableError, SignatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any, Never

# A call that returns one of these has not run its code yet.
_NOT_RUN = frozenset({CoroutineType, GeneratorType, AsyncGeneratorType})


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
    check_filled(receiver)
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
    kind: Any = type(receiver)  # pyright: ignore[reportUnknownVariableType]
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


def check_filled(receiver: Any, given: Collection[str] = ("sender",)) -> None:
    """Refuse a method or a partial that has an argument of a send already.

    Args:
        receiver: the receiver.
        given: the names that each send gives.

    Raises:
        SignatureError: if it fills one of them by position, as a method without `self` does.
    """
    filled = [name for name in filled_names(receiver) if name in given]
    if filled:
        raise SignatureError(
            f"Receiver {described(receiver)} gets `{filled[0]}` by position from its object or its partial, "
            f"and by name from each send. Add `self` to a method, or give the argument of a partial by "
            f"another name.",
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
