"""The keywords that a function requires and accepts, read once from its signature."""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from clarion._core.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from inspect import Signature

    from clarion.typing import Receiver


class Parameters:
    """The keywords that a call must give to a function. It keeps no reference to the function.

    A wrapper with `**kwargs` passes them to the function that it wraps, so what that one requires counts,
    too. The wrapper may add arguments: those that its code names do not count.

    Attributes:
        required: the names of the parameters without a default.
        accepted: the names of all parameters; None if the function accepts any keyword.
        needs_position: whether a parameter without a default cannot be given by name.
    """

    __slots__ = ("accepted", "needs_position", "required")

    def __init__(self, function: Receiver | None) -> None:
        self.required: frozenset[str] = frozenset()
        self.accepted: frozenset[str] | None = None
        self.needs_position = False
        if function is None:
            return
        signature = signature_of(function, follow_wrapped=False) or signature_of(function)
        if signature is None:
            return
        by_name, required = _by_name(signature)
        if type(function) is not FunctionType:  # by type(), because a proxy has the class inside
            required -= _given_around(function)  # wrapt has the signature of the function inside
        kinds = {each.kind for each in signature.parameters.values() if each.default is each.empty}
        self.needs_position = any(kind.name == "POSITIONAL_ONLY" for kind in kinds)
        if any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values()):
            self.required = required | _required_inside(function)
        else:
            self.required, self.accepted = required, by_name


def _by_name(signature: Signature) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that a call can give, and those that it must."""
    found = [
        each
        for each in signature.parameters.values()
        if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}
    ]
    required = frozenset(each.name for each in found if each.default is each.empty)
    return frozenset(each.name for each in found), required


def _required_inside(wrapper: Any) -> frozenset[str]:
    """Return what the wrapped function requires, and no wrapper around it gives."""
    if not hasattr(wrapper, "__wrapped__") or (inside := signature_of(wrapper)) is None:
        return frozenset()
    return _by_name(inside)[1] - _given_around(wrapper)


def _given_around(wrapper: Any) -> set[str]:
    """Return the names that a wrapper, or one inside it, may give."""
    found: set[str] = set()
    while hasattr(wrapper, "__wrapped__"):
        found.update(_given_by(wrapper))
        wrapper = wrapper.__wrapped__
    return found


def _given_by(wrapper: Any) -> Iterator[str]:
    """Yield the texts in the code of a wrapper, which may be names that it gives."""
    function = wrapper
    if type(wrapper) is not FunctionType:
        own: Any = getattr(type(wrapper), "__call__", None)  # noqa: B004  # pyright: ignore[reportUnknownArgumentType]
        function = getattr(wrapper, "_self_wrapper", own)  # of wrapt
    if not isinstance(function, FunctionType):
        return
    yield from _texts(function.__code__)
    # A decorator with arguments keeps what it adds in a cell, or in its object.
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_set(cell)]
    kept: Any
    for kept in [*cells, *getattr(wrapper, "__dict__", {}).values()]:
        if isinstance(kept, str):
            yield kept
        elif issubclass(type(kept), (dict, list, tuple, set, frozenset)):
            yield from (each for each in kept if isinstance(each, str))


def _texts(code: CodeType) -> Iterator[str]:
    """Yield the constants of code that are texts, also inside tuples and inner functions."""
    waiting: list[Any] = [code]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, (tuple, CodeType)):
            waiting += each.co_consts if isinstance(each, CodeType) else each


def _is_set(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
