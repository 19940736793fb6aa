"""SQLAlchemy: Django's model signals for every Session.

Import the signals from here instead of `django.db.models.signals`; receivers stay as they
are. There is nothing to register: sessions, sessionmakers, engines and mapped classes that
exist already send too. Importing this package attaches nothing to SQLAlchemy. The first
receiver of a signal attaches its listeners.

Imports go downward only. From the top:

    doctor                     the rules of `clarion.doctor`
    hooks                      attaches every listener
    bulk/                      the post_bulk signals
    outbox/                    durable deliveries: references, the worker's database
    commit/                    on_commit for sessions
    flush/                     the signals of saves, deletes and relationships
    instances classes connections   the other signals
    signals                    declares the signals
    model_signal               the class of the signals
    rows/                      mapped attributes and their changes
    detached                   the databases of instances that have left their session
    binds                      the engine and connection of a row
    waiting                    warns of senders that are never mapped
    senders send aliases session_types async_sessions

Read them in the order `signals`, `hooks`, `flush/`, `commit/`, `bulk/`. To add a signal, declare
it in `signals`, export it below, and send it from a listener in one of the modules above
`signals`. Attach the listener in `hooks`. A new module is listed here, and the signal in
docs/reference/sqlalchemy.md.

Never here: another framework or integration, an `event.listen` outside of `hooks`, and a
listener that is attached by an import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.errors import MissingExtraError

try:
    from sqlalchemy import __version__ as _version
except ModuleNotFoundError as error:
    if error.name != "sqlalchemy":
        raise
    raise MissingExtraError.of("sqlalchemy", "sqlalchemy") from None
if not isinstance(_version, str):  # pyright: ignore[reportUnnecessaryIsInstance]
    raise MissingExtraError.incomplete("sqlalchemy", "sqlalchemy", "it has no version")
if int(_version.partition(".")[0]) < 2:  # noqa: PLR2004
    raise MissingExtraError.too_old("sqlalchemy", "sqlalchemy", "2.0", _version)

# Importing `hooks` wires the signals to SQLAlchemy's events; it attaches nothing.
from clarion.integrations.sqlalchemy import hooks as _hooks  # noqa: F401  # pyright: ignore[reportUnusedImport]
from clarion.integrations.sqlalchemy.aliases import alias
from clarion.integrations.sqlalchemy.bulk.options import expand_deletes, warn_of_bulk_writes
from clarion.integrations.sqlalchemy.commit.bound import bound
from clarion.integrations.sqlalchemy.flush.raw import raw
from clarion.integrations.sqlalchemy.flush.session import SignalSession
from clarion.integrations.sqlalchemy.hooks import outbox_tables
from clarion.integrations.sqlalchemy.model_signal import ModelSignal
from clarion.integrations.sqlalchemy.signals import (
    class_prepared,
    connection_created,
    m2m_changed,
    post_bulk_delete,
    post_bulk_insert,
    post_bulk_update,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
)
from clarion.signals import BulkWriteWarning

if TYPE_CHECKING:
    from clarion.integrations.sqlalchemy.outbox.database import EngineDatabase

__all__ = [
    "BulkWriteWarning",
    "EngineDatabase",
    "ModelSignal",
    "SignalSession",
    "alias",
    "bound",
    "class_prepared",
    "connection_created",
    "expand_deletes",
    "m2m_changed",
    "outbox_tables",
    "post_bulk_delete",
    "post_bulk_insert",
    "post_bulk_update",
    "post_delete",
    "post_init",
    "post_save",
    "pre_delete",
    "pre_init",
    "pre_save",
    "raw",
    "warn_of_bulk_writes",
]


def __getattr__(name: str) -> Any:
    # On first use, because a program without durable receivers does not need the outbox.
    if name == "EngineDatabase":
        from clarion.integrations.sqlalchemy.outbox.database import EngineDatabase

        return EngineDatabase
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
