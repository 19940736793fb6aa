"""Emit warnings at the line of the program that called Clarion, or Django."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_INSIDE = ("django.", "clarion.")


def warn_caller(message: str, category: type[Warning]) -> None:
    """Emit a warning at the nearest calling line outside of Django and Clarion."""
    import warnings

    warnings.warn(message, category, stacklevel=_level() + 1)


def _level() -> int:
    """Return the `stacklevel` of that line, for the function that calls this one."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    level = 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    return level
