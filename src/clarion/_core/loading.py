"""Whether a framework still loads the program, and checks its settings afterwards.

A setting that `connect` would refuse can then be reported by the framework, with all other faults.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_loaders: list[Callable[[], bool]] = []


def report_after_loading(is_loading: Callable[[], bool]) -> None:
    """Register a framework that reports wrong settings after it has loaded the program.

    Args:
        is_loading: returns whether it still loads the program.
    """
    if is_loading not in _loaders:
        _loaders.append(is_loading)


def is_reported_later() -> bool:
    """Return whether a framework loads the program now, and reports wrong settings afterwards."""
    return any(is_loading() for is_loading in _loaders)
