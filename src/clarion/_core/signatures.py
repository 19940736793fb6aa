"""What a receiver can take: is it async, and does it accept the call?

Both are asked at every connect, so a plain function answers from its code object;
everything else (partials, callable objects, builtins, wrapped functions) is asked by
way of `inspect`, which is imported only then.
"""

from __future__ import annotations

import sys
from types import FunctionType, MethodType

from clarion.errors import NotCallableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from inspect import Signature
    from typing import Any, Never

    Receiver = Callable[..., Any]

# As in inspect, which is too dear to import for two numbers.
CO_VARKEYWORDS = 0x08
CO_COROUTINE = 0x80


def flags_of(receiver: object) -> int:
    """Return the flags of a plain function's code, which tell all that connecting asks for.

    They are 0 for what has to be looked at more closely. A function's code is dear to get,
    as an audit hook may hear of it, so that connecting gets it once.
    """
    if type(receiver) is not FunctionType or receiver.__dict__:
        return 0
    code = receiver.__code__
    return 0 if code.co_posonlyargcount else code.co_flags


def is_async(receiver: Any) -> bool:
    """Tell whether calling the receiver gives something to await.

    True for coroutine functions, partials and methods of them, objects whose
    `__call__` is one, and whatever `inspect.markcoroutinefunction` (or asgiref's)
    marked. Wider than Django 6.1, which takes an object with an async `__call__`
    for a sync receiver.
    """
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    if flags := flags_of(function):
        return flags & CO_COROUTINE != 0
    return _is_async_by_inspection(receiver)


def _is_async_by_inspection(receiver: Receiver) -> bool:
    import inspect
    from functools import partial

    while isinstance(receiver, partial):
        receiver = receiver.func
    if inspect.iscoroutinefunction(receiver) or _is_marked(receiver):
        return True
    if isinstance(receiver, type) or inspect.isroutine(receiver):
        return False
    # Under Django not even a callable is required.
    return inspect.iscoroutinefunction(getattr(type(receiver), "__call__", None))  # noqa: B004


def _is_marked(receiver: Receiver) -> bool:
    # asgiref marks so on Python 3.11, before inspect had a mark of its own.
    coroutines = sys.modules.get("asyncio.coroutines")
    mark = getattr(coroutines, "_is_coroutine", None)
    return mark is not None and getattr(receiver, "_is_coroutine", None) is mark


def is_coroutine_function(receiver: Any) -> bool:
    """Tell whether it is a function or method written with `async def`.

    Calling one runs nothing of it yet, and gives a coroutine.
    """
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    return type(function) is FunctionType and function.__code__.co_flags & CO_COROUTINE != 0


def accepts_any_keyword(receiver: Any) -> bool:
    """Tell whether the receiver can be called, and with keywords nobody knows yet.

    A callable that does not tell its signature (some builtins) is trusted.
    """
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    if flags := flags_of(function):
        return flags & CO_VARKEYWORDS != 0
    if not callable(receiver):
        return False
    signature = signature_of(receiver)
    return signature is None or _takes_any_keyword(signature)


def _takes_any_keyword(signature: Signature) -> bool:
    parameters = signature.parameters.values()
    needs_position = any(
        parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty
        for parameter in parameters
    )
    return not needs_position and any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in parameters
    )


def refusal(receiver: Receiver, keywords: Collection[str]) -> str | None:
    """Say why the receiver cannot be called with exactly these keywords, or None."""
    signature = signature_of(receiver)
    if signature is None:
        return None
    try:
        signature.bind(**dict.fromkeys(keywords))
    except TypeError as error:
        return str(error)
    return None


def asks_for(receiver: Receiver, keyword: str) -> bool:
    """Tell whether the receiver names this keyword among its parameters."""
    signature = signature_of(receiver)
    if signature is None:
        return False
    parameter = signature.parameters.get(keyword)
    return parameter is not None and parameter.kind in {
        parameter.POSITIONAL_OR_KEYWORD,
        parameter.KEYWORD_ONLY,
    }


def signature_of(receiver: Receiver) -> Signature | None:
    """Return the receiver's signature, or None if it does not tell."""
    import inspect

    try:
        if sys.version_info >= (3, 14):
            # Annotations may name what is imported for type checkers only.
            from annotationlib import Format

            return inspect.signature(receiver, annotation_format=Format.FORWARDREF)
        return inspect.signature(receiver)
    except (TypeError, ValueError):
        return None


def refuse_uncallable(receiver: object) -> Never:
    """Refuse a receiver that is not callable."""
    raise NotCallableError(
        f"Signal receivers must be callable. {receiver!r} is not; connect a function.",
        receiver,
    )
