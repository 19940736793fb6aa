"""Have a function do another's work, for all who hold it.

Other packages wrap Django's methods: their wrapper stands in the class, and Django's
function, which only the wrapper still holds, is called by it. Putting ours in the class
would throw the wrapper away; so ours goes below it, into Django's function itself.
"""

from __future__ import annotations

import gc
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def divert(function: FunctionType, target: Callable[..., Any]) -> Callable[[], None]:
    """Make a function call another, until the returned one is called.

    Args:
        function: a function without free variables.
        target: what it is to call, with its own arguments.

    Returns:
        A function that takes everything back.
    """
    before = function.__code__, function.__defaults__, function.__kwdefaults__
    function.__code__ = _detour.__code__
    function.__defaults__ = None
    function.__kwdefaults__ = {"_target": target}

    def restore() -> None:
        function.__code__, function.__defaults__, function.__kwdefaults__ = before

    return restore


def _detour(*args: Any, _target: Callable[..., Any], **kwargs: Any) -> Any:
    return _target(*args, **kwargs)


def twin(function: FunctionType) -> FunctionType:
    """Return a copy of a function, which can be diverted without touching the other."""
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__ = function.__doc__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    return copy


def is_original(candidate: object, filename: str, qualname: str) -> bool:
    """Tell whether this is the function that the file defines under this name."""
    return (
        type(candidate) is FunctionType
        and candidate.__code__.co_filename == filename
        and candidate.__code__.co_qualname == qualname
    )


def find_original(filename: str, qualname: str) -> FunctionType:
    """Find the function that the file defines under this name, whoever holds it."""
    return next(
        candidate for candidate in gc.get_objects() if is_original(candidate, filename, qualname)
    )
