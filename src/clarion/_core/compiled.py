"""The choice between the compiled sends and those in Python.

The compiled sends are built with the package if a C compiler is available. `CLARION_PURE=1`
in the environment selects those in Python, in this process and its children.
"""

from __future__ import annotations

import os
import sys

from clarion._core.notes import add_receiver_note, log_receiver_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver

    F = TypeVar("F", bound=Callable[..., Any])
    Responses = list[tuple[Receiver, Any]]
    # Returns the responses, or a receiver and its coroutine.
    Begin = Callable[[tuple[str, ...], tuple[Any, ...]], Any]


_FALSE = {"", "0", "false", "no", "off"}


def _why_not() -> str:
    """Return why the sends in Python are used, or an empty string."""
    if os.environ.get("CLARION_PURE", "").strip().lower() not in _FALSE:
        return "CLARION_PURE is set in the environment."
    if "t" in getattr(sys, "abiflags", ""):
        return "This is a free-threaded Python, and the compiled sends need its global lock."
    return ""


reason = _why_not()
if not reason:
    try:
        from clarion._core._send import Method
    except ImportError as error:
        reason = f"The compiled sends cannot be loaded, perhaps they were not built: {error}."
    except Exception as error:  # noqa: BLE001
        # A file built from an older Clarion reads slots that have other names now.
        reason = (
            f"The compiled sends do not fit this version of Clarion: {type(error).__name__}: "
            f"{error}. Build Clarion again."
        )


def is_compiled() -> bool:
    """Return whether the compiled sends are in use."""
    return not reason


def _awaiting(name: str, *, robust: bool) -> Callable[..., Any]:
    """Return the coroutine function of a compiled `asend`."""

    async def awaiting(begin: Begin, names: tuple[str, ...], values: tuple[Any, ...]) -> Responses:
        begun = begin(names, values)
        if type(begun) is list:
            try:
                return begun  # pyright: ignore[reportUnknownVariableType]  # of responses
            finally:
                del begun  # an error among them may hold this frame
        receiver, coroutine = begun
        if receiver is None:
            return await coroutine  # type: ignore[no-any-return]
        try:
            response = await coroutine
        except Exception as error:
            signal: Signal = values[0]
            if not robust:
                add_receiver_note(error, signal, receiver)
                raise
            log_receiver_failure(signal, receiver, error)
            return [(receiver, error)]
        return [(receiver, response)]

    awaiting.__name__ = awaiting.__qualname__ = name
    return awaiting


_AWAITING = {
    name: _awaiting(name, robust=name == "asend_robust") for name in ("asend", "asend_robust")
}


def compiled(function: F) -> F:
    """Return a compiled send, or the function itself if the sends in Python are used."""
    return twin_of(function) if is_compiled() else function


def twin_of(function: F) -> F:
    """Return a compiled send that calls this function off the fast path."""
    name = function.__name__
    twin: F = Method(function, name, _AWAITING.get(name))  # type: ignore[assignment]
    return twin
