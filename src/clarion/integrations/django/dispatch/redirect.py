"""Have a function do another's work, for all who hold it.

Other packages wrap Django's methods: their wrapper stands in the class, and Django's
function, which only the wrapper still holds, is called by it. Putting ours in the class
would throw the wrapper away; so ours goes below it, into Django's function itself.
"""

from __future__ import annotations

import gc
from itertools import chain
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable


def redirect(function: FunctionType, target: Callable[..., Any]) -> Callable[[], None]:
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


def twin(function: FunctionType, module: str | None = None) -> FunctionType:
    """Return a copy of a function, which can be diverted without touching the other.

    Args:
        function: the function to copy.
        module: the module that it is to name as its own; by default the same.
    """
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__ = function.__doc__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = module or function.__module__
    return copy


def is_original(candidate: object, filename: str, qualname: str) -> bool:
    """Tell whether this is the function that the file defines under this name."""
    return (
        type(candidate) is FunctionType
        and candidate.__code__.co_filename == filename
        and candidate.__code__.co_qualname == qualname
    )


def find_original(wrapper: object, filename: str, qualname: str) -> FunctionType:
    """Find the function that the file defines under this name, below whoever wraps it.

    Args:
        wrapper: what stands in the class; it holds the function, or who holds it.
        filename: the file that defines the function.
        qualname: its qualified name there.

    Raises:
        LookupError: if nobody holds it any more.
    """
    # The garbage collector knows of all functions but those that were frozen.
    for candidate in chain(_held_by(wrapper), gc.get_objects()):
        if is_original(candidate, filename, qualname):
            return cast("FunctionType", candidate)
    raise LookupError(f"{qualname} of {filename} has been replaced, and nobody holds it any more.")


def _held_by(wrapper: object) -> list[object]:
    """List what a wrapper holds, directly or by way of other wrappers."""
    held = [wrapper]
    for function in held:
        cells = getattr(function, "__closure__", None) or ()
        below = [getattr(function, "__wrapped__", None), *(_content(cell) for cell in cells)]
        held += [each for each in below if each is not None and not _is_among(each, held)]
    return held


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # still empty
        return None


def _is_among(candidate: object, listed: list[object]) -> bool:
    return any(candidate is each for each in listed)
