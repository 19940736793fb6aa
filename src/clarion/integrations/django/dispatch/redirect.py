"""Make a function call another one, for all code that refers to it.

Other packages wrap Django's methods. Then the class refers to the wrapper, and only the wrapper
refers to Django's function. If we put our method into the class, it would remove the wrapper. So
Django's function stays where it is, and calls ours.
"""

from __future__ import annotations

import gc
from itertools import chain
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def redirect(function: FunctionType, target: Callable[..., Any]) -> Callable[[], None]:
    """Make a function call another one.

    Args:
        function: a function without free variables.
        target: the function to call, with the same arguments.

    Returns:
        A function that restores `function`.
    """
    before = function.__code__, function.__defaults__, function.__kwdefaults__
    function.__code__ = _call_target.__code__
    function.__defaults__ = None
    function.__kwdefaults__ = {"_target": target}

    def restore() -> None:
        function.__code__, function.__defaults__, function.__kwdefaults__ = before

    return restore


def _call_target(*args: Any, _target: Callable[..., Any], **kwargs: Any) -> Any:
    return _target(*args, **kwargs)


def copy_function(function: FunctionType, module: str | None = None) -> FunctionType:
    """Return a copy of a function; a redirect of it leaves the original unchanged.

    Args:
        function: the function.
        module: the `__module__` of the copy; by default that of the function.
    """
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__ = function.__doc__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = module or function.__module__
    return copy


def is_original(candidate: object, module: ModuleType, qualname: str) -> bool:
    """Return whether an object is the function of this module and name."""
    # Do not compare the file: in a bundled program, the code has the file name of the build.
    return (
        type(candidate) is FunctionType
        and candidate.__globals__ is vars(module)
        and candidate.__code__.co_qualname == qualname
    )


def find_original(wrapper: object, module: ModuleType, qualname: str) -> FunctionType:
    """Find the function of this module and name below its wrappers.

    Args:
        wrapper: the attribute of the class, which refers to the function, perhaps indirectly.
        module: the module that defines the function.
        qualname: its qualified name there.

    Raises:
        LookupError: if no object refers to the function any more.
    """
    # The garbage collector lists all functions except frozen ones. Those are found in the wrapper.
    for candidate in chain(_below(wrapper), gc.get_objects()):
        if is_original(candidate, module, qualname):
            return cast("FunctionType", candidate)
    raise LookupError(
        f"{qualname} of {module.__name__} was replaced, and no wrapper refers to it. "
        f"Install Clarion before the package that replaces it."
    )


def _below(wrapper: object) -> list[object]:
    """Return a wrapper and the functions that it wraps directly or indirectly."""
    reached = [wrapper]
    for function in reached:
        cells = getattr(function, "__closure__", None) or ()
        below = [getattr(function, "__wrapped__", None), *(_content(cell) for cell in cells)]
        reached += [each for each in below if each is not None and not _is_among(each, reached)]
    return reached


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # still empty
        return None


def _is_among(candidate: object, listed: list[object]) -> bool:
    return any(candidate is each for each in listed)
