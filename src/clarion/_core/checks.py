"""Checks of objects that a caller passed, with the errors that refuse them."""

from __future__ import annotations

from clarion._core.names import value_name
from clarion._core.registry import is_signal
from clarion.errors import ArgumentError, NotCallableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Never

    from clarion._core.signal import Signal


def check_signal(candidate: object) -> Signal:
    """Return an object if it is a signal; refuse it otherwise."""
    if not is_signal(candidate):
        raise ArgumentError(
            f"{value_name(candidate)} is not a signal that Clarion dispatches. Give a Clarion signal, or a "
            f"Django one with 'clarion.integrations.django' in INSTALLED_APPS."
        )
    return candidate


def refuse_uncallable(receiver: object) -> Never:
    """Refuse a receiver that is not callable."""
    raise NotCallableError(
        f"Signal receivers must be callable. {value_name(receiver)} is not; connect a function.",
        receiver,
    )
