"""The Django integration: every Django signal dispatches through Clarion.

Add `"clarion.integrations.django"` or `"clarion"` to INSTALLED_APPS, or call `install()`. Nothing
else changes: `post_save`, `django.dispatch.Signal`, `@receiver`, lazy senders and packages that read
or wrap Django's signals work as before. `connect` and `@receiver` also take Clarion's
`priority`, `once`, `subclasses`, `inline`, `replace` and `delivery`.

Where Django and Clarion differ, Django's behaviour is kept: receivers are held weakly by
default, are checked only under DEBUG, and sync ones run thread-sensitively in `asend`.

The sub-packages, from the bottom up. Imports go downward only:

1. `dispatch`: Django's `Signal` on Clarion's table.
2. `orm`: what models send. The changes of a save, and the signals of bulk writes.
3. `outbox`: deliveries that are stored, with an app of its own that has the tables.
4. `commit`: receivers that run after the commit. `clarion.commit` loads it.
5. `late_receivers`, `doctor`, `checks`: the rules of `clarion.doctor`, and the system checks. `apps`, `management`: the
   Django app and its commands, whose base is `command`. `tasks`: receivers that a backend of
   django.tasks carries out.

Read `dispatch` first. Nothing here imports another integration, and no Django model is defined
here, because the app has no migrations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from clarion.errors import MissingExtraError

try:
    import django as _django
except ModuleNotFoundError as error:
    if error.name != "django":
        raise
    raise MissingExtraError.of("django", "django") from None
if not isinstance(cast("object", _django.VERSION), tuple):
    raise MissingExtraError.incomplete("django", "django", "it has no version")
if cast("tuple[int, ...]", _django.VERSION) < (5, 2):
    raise MissingExtraError.too_old("django", "django", "5.2", _django.__version__)

from clarion.integrations.django.dispatch.install import install, is_installed, uninstall

# They register what the signals of saves and deletions need, before `install` can be called.
from clarion.integrations.django.orm import change_requests as _change_requests  # noqa: F401  # pyright: ignore[reportUnusedImport]
from clarion.integrations.django.orm import deletions as _deletions  # noqa: F401  # pyright: ignore[reportUnusedImport]
from clarion.integrations.django.orm.changes import track_changes

# It registers how models are stored, because a program without the app stores sends too.
from clarion.integrations.django.outbox import stored as _stored  # noqa: F401  # pyright: ignore[reportUnusedImport]

if TYPE_CHECKING:
    from clarion.integrations.django.orm.bulk_signals import (
        post_bulk_delete,
        post_bulk_insert,
        post_bulk_update,
        warn_of_bulk_writes,
    )
    from clarion.integrations.django.orm.links import track_m2m
    from clarion.signals import BulkWriteWarning

__all__ = [
    "BulkWriteWarning",
    "install",
    "is_installed",
    "post_bulk_delete",
    "post_bulk_insert",
    "post_bulk_update",
    "track_changes",
    "track_m2m",
    "uninstall",
    "warn_of_bulk_writes",
]


def __getattr__(name: str) -> object:
    # Late, because most programs need neither.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clarion.integrations.django.orm import bulk_signals, links

    value: object = getattr(links if name == "track_m2m" else bulk_signals, name)
    globals()[name] = value
    return value
