"""Which sends are in use: the compiled ones, or those in Python that they stand for.

What is compiled is built with the package where there is a compiler. `CLARION_PURE=1` in
the environment does without it, for this process and those it starts.
"""

from __future__ import annotations

import os
import sys

from clarion._core.blame import blame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from clarion._core.accept import Receiver
    from clarion._core.signal import Signal

    F = TypeVar("F", bound=Callable[..., Any])
    Begin = Callable[[tuple[str, ...], tuple[Any, ...]], Any]


def _why_not() -> str:
    """Say why the sends in Python are to be used, or nothing."""
    if os.environ.get("CLARION_PURE", "0") not in {"", "0"}:
        return "CLARION_PURE is set in the environment."
    if "t" in getattr(sys, "abiflags", ""):
        return "This is a free-threaded Python, and the compiled sends rely on the lock."
    return ""


reason = _why_not()
if not reason:
    try:
        from clarion._core._send import Method
    except ImportError as error:
        reason = f"The compiled sends cannot be loaded, perhaps they were not built: {error}."


def is_compiled() -> bool:
    """Tell whether the compiled sends are in use."""
    return not reason


async def asend(
    begin: Begin, names: tuple[str, ...], values: tuple[Any, ...]
) -> list[tuple[Receiver, Any]]:
    """Await what `begin` has found to await; what the compiled `asend` returns."""
    begun = begin(names, values)
    if type(begun) is list:
        return begun
    receiver, coroutine = begun
    if receiver is None:
        responses: list[tuple[Receiver, Any]] = await coroutine
        return responses
    try:
        answer = await coroutine
    except Exception as error:
        blame(error, values[0], receiver)
        raise
    return [(receiver, answer)]


async def asend_robust(
    begin: Begin, names: tuple[str, ...], values: tuple[Any, ...]
) -> list[tuple[Receiver, Any]]:
    """Await as `asend` does, and answer with what the receiver raises."""
    begun = begin(names, values)
    if type(begun) is list:
        return begun
    receiver, coroutine = begun
    if receiver is None:
        responses: list[tuple[Receiver, Any]] = await coroutine
        return responses
    try:
        answer = await coroutine
    except Exception as error:  # noqa: BLE001
        signal: Signal = values[0]
        signal._log_robust_failure(receiver, error)
        answer = error
    return [(receiver, answer)]


# What a compiled method returns the coroutine of, by its name.
AWAITING = {"asend": asend, "asend_robust": asend_robust}


def compiled(function: F) -> F:
    """Return the compiled twin of one of the sends, or the function itself."""
    return twin_of(function) if is_compiled() else function


def twin_of(function: F) -> F:
    """Return a compiled twin that calls this function wherever there is more to do."""
    name = function.__name__
    twin: F = Method(function, name, AWAITING.get(name))  # type: ignore[assignment]
    return twin
