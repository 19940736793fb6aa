"""All live signals.

A signal is added when it is created, and removed when it dies.
"""

from __future__ import annotations

from weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeGuard

    from clarion._core.signal import Signal

# By id, because a subclass of Signal may be unhashable.
_alive: dict[int, ref[Signal]] = {}


def add(signal: Signal) -> None:
    """Add a signal until it dies."""
    key = id(signal)
    _alive[key] = ref(signal, lambda _: _alive.pop(key, None))


def remove(signal: Signal) -> None:
    """Remove a live signal that Clarion no longer dispatches."""
    _alive.pop(id(signal), None)


def is_signal(candidate: object) -> TypeGuard[Signal]:
    """Return whether an object is a signal, Clarion's or a framework's, that Clarion dispatches."""
    entry = _alive.get(id(candidate))
    return entry is not None and entry() is candidate


def signals() -> list[Signal]:
    """Return the live signals, in the order of their creation."""
    return [signal for entry in list(_alive.values()) if (signal := entry()) is not None]
