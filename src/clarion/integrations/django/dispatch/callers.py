"""Emit warnings at the line of the program that called Django or Clarion."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def warn_caller(message: str, category: type[Warning]) -> None:
    """Emit a warning at the nearest calling line outside of Django and Clarion."""
    warnings.warn(message, category, stacklevel=_level() + 1)


def _level() -> int:
    """Return the `stacklevel` of that line, for the function that calls this one."""
    frame: FrameType | None = sys._getframe(1)
    level = 0
    while frame is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    return level


def _is_inside(module: str) -> bool:
    return module.startswith(("django.", "clarion."))
