"""The sends of one declared signal, with its own signature, for `inspect`, `help` and editors.

`inspect` reads the signature of a method from its function. So each signal needs functions of its own,
and a send must not become slower. A compiled send that is read as an attribute binds the function that
`own_send` has built; most calls `signal.send(...)` read no attribute. The sends in Python are functions of
a class, so the signal gets a class of its own.
"""

from __future__ import annotations

from types import FunctionType

from clarion._core.compiled import twin_of
from clarion._core.send import asend, asend_robust, send, send_robust
from clarion._core.signatures import signature_of
from clarion._core.tabled import policy_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inspect import Signature
    from typing import Any

SENDS: dict[str, Any] = {each.__name__: each for each in (send, send_robust, asend, asend_robust)}
"""The four sends in Python, by name."""


def own_send(signal: Any, method: Any) -> Any:
    """Return the function of a declared signal for a method of `Signal`.

    Args:
        signal: the signal.
        method: the send.
    """
    own = policy_of(signal).own_sends
    if own is None:
        return method
    function = getattr(method, "__wrapped__", method)
    if type(function) is not FunctionType:
        return method  # Nuitka makes functions of another type, which cannot be copied
    if method not in own:
        function = _with_signature(function, signal)
        own[method] = function if type(method) is FunctionType else twin_of(function)
    return own[method]


def _with_signature(function: FunctionType, signal: Any) -> FunctionType:
    """Return a copy of a send with the signature of the declaration."""
    copied = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__
    )
    for attribute in ("__doc__", "__kwdefaults__", "__module__", "__qualname__"):
        setattr(copied, attribute, getattr(function, attribute))
    copied.__annotations__ = dict(function.__annotations__)
    declared = signature_of(signal.__wrapped__)
    if declared is not None:
        returned = function.__annotations__.get("return", declared.empty)
        copied.__signature__ = _as_send(declared, returned)  # type: ignore[attr-defined]
    return copied


def _as_send(declared: Signature, returned: Any) -> Signature:
    """Return the signature of a send: the sender, then the keywords, by name only."""
    from inspect import Parameter

    sender, *keywords = declared.parameters.values()
    # No keyword can have this name, which a declaration refuses.
    bound = Parameter("signal", Parameter.POSITIONAL_ONLY)
    by_name = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in keywords]
    first = sender.replace(kind=Parameter.POSITIONAL_OR_KEYWORD)
    return declared.replace(parameters=[bound, first, *by_name], return_annotation=returned)


def give_own_class(signal: Any, kind: Any, owner: type) -> None:
    """Give a signal a class of its own, which has the sends in Python with its signature.

    Args:
        signal: the signal.
        kind: its class, whose own sends stay.
        owner: the class that has the sends.
    """
    methods = {
        name: own_send(signal, function)
        for name, function in SENDS.items()
        if getattr(kind, name) is vars(owner)[name] is function
    }
    names = ("__doc__", "__module__", "__qualname__")
    described = {name: getattr(kind, name) for name in names}
    signal.__class__ = type(kind.__name__, (kind,), {"__slots__": (), **described, **methods})
