"""All signals that are alive, for whoever wants to look at them or watch them.

A signal is entered once, when it is made, and leaves when it dies.
"""

from __future__ import annotations

from weakref import ref

from clarion.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeGuard

    from clarion._core.signal import Signal

# By id: a signal is not asked for its hash, which a subclass may have taken away.
_alive: dict[int, ref[Signal]] = {}


def enter(signal: Signal) -> None:
    """Note that a signal exists."""
    key = id(signal)
    _alive[key] = ref(signal, lambda _: _alive.pop(key, None))


def leave(signal: Signal) -> None:
    """Forget a signal that is alive but no longer Clarion's."""
    _alive.pop(id(signal), None)


def is_signal(candidate: object) -> TypeGuard[Signal]:
    """Tell whether an object is a signal, Clarion's own or one that a door has taken over."""
    entry = _alive.get(id(candidate))
    return entry is not None and entry() is candidate


def check_signal(candidate: object) -> Signal:
    """Return the candidate if it is a signal, and refuse it otherwise."""
    if not is_signal(candidate):
        raise ArgumentError(
            f"{candidate!r} is no signal of Clarion's. Give one, or one of Django's once "
            f"'clarion.integrations.django' is among the INSTALLED_APPS."
        )
    return candidate


def signals() -> list[Signal]:
    """Return the signals alive, in the order in which they were made."""
    return [signal for entry in list(_alive.values()) if (signal := entry()) is not None]
