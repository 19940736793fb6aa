"""The signatures of receivers: whether one is async, and whether it accepts the call.

Every connect needs both, so a plain function is checked by its code object. Partials,
callable objects, builtins and wrapped functions need `inspect`, which is imported only then.
"""

from __future__ import annotations

import sys
from functools import partial
from types import BuiltinMethodType, FunctionType, MethodType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from inspect import Signature
    from typing import Any

    Receiver = Callable[..., Any]

# As in inspect, which takes too long to import for two numbers.
CO_VARKEYWORDS = 0x08
CO_COROUTINE = 0x80
# A call of a generator function, sync or async, does not run its body.
CO_GENERATORS = 0x20 | 0x200
CO_KEYWORDS_AND_GENERATORS = CO_VARKEYWORDS | CO_GENERATORS


def flags_of(receiver: object) -> int:
    """Return the flags of a plain function's code, or 0 if it has to be inspected.

    Reading `__code__` is slow, because it raises an audit event. So `connect` calls this once
    and passes the flags on.
    """
    if type(receiver) is not FunctionType or receiver.__dict__:
        return 0
    code = receiver.__code__
    return 0 if code.co_posonlyargcount else code.co_flags


def is_async(receiver: Any) -> bool:
    """Return whether the result of the receiver has to be awaited.

    True for coroutine functions, for partials and methods of them, for objects whose
    `__call__` is one, and for callables marked by `inspect.markcoroutinefunction` or asgiref.
    Django 6.1 treats an object with an async `__call__` as a sync receiver.
    """
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    if flags := flags_of(function):
        return flags & CO_COROUTINE != 0
    if type(receiver) is BuiltinMethodType:
        return False  # as `inspect` finds, which takes longer
    return _is_async_by_inspection(receiver)


def _is_async_by_inspection(receiver: Receiver) -> bool:
    import inspect

    while isinstance(receiver, partial):
        receiver = receiver.func
    if inspect.iscoroutinefunction(receiver) or _is_marked(receiver):
        return True
    if isinstance(receiver, type) or inspect.isroutine(receiver):
        return False
    # Under Django a receiver need not be callable.
    return inspect.iscoroutinefunction(getattr(type(receiver), "__call__", None))  # noqa: B004


def _is_marked(receiver: Receiver) -> bool:
    # asgiref uses this mark on Python 3.11, where inspect has none.
    coroutines = sys.modules.get("asyncio.coroutines")
    mark = getattr(coroutines, "_is_coroutine", None)
    return mark is not None and getattr(receiver, "_is_coroutine", None) is mark


def is_coroutine_function(receiver: Any) -> bool:
    """Return whether it is a function or method written with `async def`.

    Calling one returns a coroutine that has not started.
    """
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    return type(function) is FunctionType and function.__code__.co_flags & CO_COROUTINE != 0


def accepts_any_keyword(receiver: Any) -> bool:
    """Return whether a call with any keyword runs the receiver.

    A callable without a signature, such as some builtins, is accepted.
    """
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    if flags := flags_of(function):
        return flags & CO_KEYWORDS_AND_GENERATORS == CO_VARKEYWORDS
    if not callable(receiver) or is_generator_function(receiver):
        return False
    signature = signature_of(receiver)
    return signature is None or _takes_any_keyword(signature)


def is_generator_function(receiver: Any) -> bool:
    """Return whether a call returns a generator, sync or async, and runs nothing."""
    # By type(), because a proxy or a mock may have the class of a function.
    while issubclass(type(receiver), partial):
        receiver = receiver.func
    if type(receiver) is MethodType:
        receiver = receiver.__func__
    if type(receiver) is not FunctionType:
        receiver = getattr(type(receiver), "__call__", None)  # noqa: B004  # pyright: ignore[reportUnknownArgumentType]
    return type(receiver) is FunctionType and receiver.__code__.co_flags & CO_GENERATORS != 0


def is_unbound_method(function: Any) -> bool:
    """Return whether a function is written in a class and requires `self` or `cls`."""
    if type(function) is not FunctionType:
        return False
    written_in = function.__qualname__.rpartition(".")[0]
    if not written_in or written_in.endswith("<locals>"):
        return False
    signature = signature_of(function)
    first = None if signature is None else next(iter(signature.parameters.values()), None)
    return first is not None and first.name in {"self", "cls"} and first.default is first.empty


def filled_names(receiver: Any) -> tuple[str, ...]:
    """Return the parameters that the object of a method, or a partial, fills by position.

    A call that gives one of them by name, too, raises a TypeError. The signature does not have them.
    """
    count = 0
    while type(receiver) is not FunctionType:
        kind: Any = type(receiver)  # pyright: ignore[reportUnknownVariableType]
        if issubclass(kind, partial):
            count += len(receiver.args)
            receiver = receiver.func
            continue
        # Another object calls the method of its class, unless that is a static one.
        count += 1
        receiver = receiver.__func__ if kind is MethodType else _written_call(kind)
        if type(receiver) is not FunctionType:
            return ()
    code = receiver.__code__
    return code.co_varnames[code.co_posonlyargcount : min(count, code.co_argcount)] if count else ()


def _written_call(kind: Any) -> Any:
    """Return the `__call__` that the objects of a class have, as it is written in the class."""
    written = (each.__dict__.get("__call__") for each in kind.__mro__)
    return next((call for call in written if call is not None), None)


def _takes_any_keyword(signature: Signature) -> bool:
    return not _needs_position(signature) and any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values()
    )


def refusal(receiver: Receiver, keywords: Collection[str]) -> str | None:
    """Return why the receiver does not accept these keywords, or None if it does."""
    signature = signature_of(receiver)
    if signature is None:
        return None
    if _needs_position(signature):
        return "a parameter before the `/` cannot be given by name"
    # A keyword with the name of an optional positional-only parameter goes to `**kwargs`, which
    # `bind` refuses before Python 3.13.
    by_name = [
        each for each in signature.parameters.values() if each.kind is not each.POSITIONAL_ONLY
    ]
    try:
        signature.replace(parameters=by_name).bind(**dict.fromkeys(keywords))
    except TypeError as error:
        return str(error)
    return None


def is_positional(receiver: Receiver) -> bool:
    """Return whether the receiver requires an argument by position, which no send gives."""
    signature = signature_of(receiver)
    return signature is not None and _needs_position(signature)


def _needs_position(signature: Signature) -> bool:
    return any(
        parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty
        for parameter in signature.parameters.values()
    )


def asks_for(receiver: Receiver, keyword: str) -> bool:
    """Return whether the receiver has a parameter of this name."""
    signature = signature_of(receiver)
    if signature is None:
        return False
    parameter = signature.parameters.get(keyword)
    return parameter is not None and parameter.kind in {
        parameter.POSITIONAL_OR_KEYWORD,
        parameter.KEYWORD_ONLY,
    }


def signature_of(receiver: Receiver, *, follow_wrapped: bool = True) -> Signature | None:
    """Return the signature of a receiver, or None if it has none.

    Args:
        receiver: the receiver.
        follow_wrapped: whether a wrapper has the signature of the function that it wraps.
    """
    import inspect

    try:
        if sys.version_info >= (3, 14):
            # Annotations may name types that are imported for type checkers only.
            from annotationlib import Format

            return inspect.signature(
                receiver, follow_wrapped=follow_wrapped, annotation_format=Format.FORWARDREF
            )
        return inspect.signature(receiver, follow_wrapped=follow_wrapped)
    except (TypeError, ValueError):
        return None
