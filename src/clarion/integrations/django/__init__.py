"""The Django door: every Django signal dispatches through Clarion.

Add `"clarion.integrations.django"` to INSTALLED_APPS, or call `install()`. Nothing
else changes: `post_save`, `django.dispatch.Signal`, `@receiver`, lazy senders and what
other packages do to them work as before, and `connect` and `@receiver` also take
Clarion's `priority`, `once`, `subclasses` and `inline`.

Where Django's ways differ from Clarion's, Django's hold here: receivers are held weakly
by default, are checked only under DEBUG, and sync ones run thread-sensitively in
`asend`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.errors import MissingExtraError

try:
    import django as _django
except ModuleNotFoundError as error:
    if error.name != "django":
        raise
    raise MissingExtraError.of("django", "django") from None
if _django.VERSION < (5, 2):
    raise MissingExtraError.too_old("django", "django", "5.2", _django.__version__)

from clarion.integrations.django.dispatch.install import install, is_installed, uninstall

if TYPE_CHECKING:
    from clarion.integrations.django.orm.bulk_signals import (
        post_bulk_delete,
        post_bulk_insert,
        post_bulk_update,
        warn_of_bulk_writes,
    )
    from clarion.integrations.django.orm.changes import track_changes
    from clarion.signals import BulkWriteWarning

__all__ = [
    "BulkWriteWarning",
    "install",
    "is_installed",
    "post_bulk_delete",
    "post_bulk_insert",
    "post_bulk_update",
    "track_changes",
    "uninstall",
    "warn_of_bulk_writes",
]


def __getattr__(name: str) -> object:
    # On first use: whoever does not ask for it does not load it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    room = "orm.changes" if name == "track_changes" else "orm.bulk_signals"
    found: object = getattr(import_module(f"{__name__}.{room}"), name)
    globals()[name] = found
    return found
