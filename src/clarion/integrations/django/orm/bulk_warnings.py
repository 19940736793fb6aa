"""Warn of the receivers that a bulk write does not call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from clarion._core.callers import warn_caller
from clarion._core.names import name_of
from clarion._core.tabled import has_table, table_of
from clarion.signals import BulkWriteWarning

if TYPE_CHECKING:
    from collections.abc import Mapping

SAVE_SIGNALS = {"pre_save": pre_save, "post_save": post_save}
DELETE_SIGNALS = {"pre_delete": pre_delete, "post_delete": post_delete}

_is_enabled = False


def enable_warnings(on: bool) -> bool:  # noqa: FBT001
    """Turn the warnings on or off everywhere; return whether they were on."""
    global _is_enabled
    before, _is_enabled = _is_enabled, on
    return before


def are_enabled() -> bool:
    """Return whether bulk writes warn."""
    return _is_enabled


def warn(sender: Any, signals: Mapping[str, Any]) -> None:
    """Warn of the receivers that a bulk write does not call, if enabled.

    Args:
        sender: the model.
        signals: the signals that a write of single objects would send, by name.
    """
    # Django never sends signals for the rows of a many-to-many relationship.
    if not _is_enabled or sender._meta.auto_created:
        return
    names = [
        f"{name_of(receiver)} of {name}"
        for name, signal in signals.items()
        for receiver in _receivers(signal, sender)
    ]
    if names:
        warn_caller(
            f"A bulk write of {sender.__qualname__} does not call {', '.join(names)}. Write the "
            f"objects one by one, or connect receivers to the post_bulk signals.",
            BulkWriteWarning,
        )


def _receivers(signal: Any, sender: object) -> list[Any]:
    if not has_table(signal):  # Clarion is not installed
        return [receiver for group in signal._live_receivers(sender) for receiver in group]
    registrations = table_of(signal).find_route(sender).registrations
    return [receiver for each in registrations if (receiver := each.live()) is not None]
