"""Clarion: Django's signals for every Python program."""

from __future__ import annotations

from clarion._core.receiver import receiver
from clarion._core.signal import Signal
from clarion.errors import ClarionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from clarion._core.declare import DeclaredSignal, signal
    from clarion._core.version import __version__ as __version__
    from clarion.commit import on_commit

__all__ = ["ClarionError", "DeclaredSignal", "Signal", "on_commit", "receiver", "signal"]

# Public names whose room is loaded on first use, so that importing clarion stays cheap.
_ROOMS = {
    "__version__": "clarion._core.version",
    "DeclaredSignal": "clarion._core.declare",
    "on_commit": "clarion.commit",
    "signal": "clarion._core.declare",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module 'clarion' has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = found
    return found
