"""The SQLAlchemy door: Django's model signals for every Session.

Import the signals from here instead of `django.db.models.signals`; receivers stay as they
are. There is nothing to register: sessions, sessionmakers, engines and mapped classes that
exist already send too. Nothing is attached to SQLAlchemy before the first receiver is
connected.
"""

from __future__ import annotations

from clarion.errors import MissingExtraError

try:
    from sqlalchemy import __version__ as _version
except ModuleNotFoundError as error:
    if error.name != "sqlalchemy":
        raise
    raise MissingExtraError.of("sqlalchemy", "sqlalchemy") from None
if int(_version.partition(".")[0]) < 2:  # noqa: PLR2004
    raise MissingExtraError.too_old("sqlalchemy", "sqlalchemy", "2.0", _version)

from clarion.integrations.sqlalchemy.aliases import alias
from clarion.integrations.sqlalchemy.bulk.statements import (
    expand_deletes,
    post_bulk_delete,
    post_bulk_insert,
    post_bulk_update,
    warn_of_bulk_writes,
)
from clarion.integrations.sqlalchemy.commit.boundary import bound
from clarion.integrations.sqlalchemy.flush.raw import raw
from clarion.integrations.sqlalchemy.flush.session import SignalSession
from clarion.integrations.sqlalchemy.model_signal import ModelSignal
from clarion.integrations.sqlalchemy.signals import (
    class_prepared,
    connection_created,
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
)
from clarion.signals import BulkWriteWarning

__all__ = [
    "BulkWriteWarning",
    "ModelSignal",
    "SignalSession",
    "alias",
    "bound",
    "class_prepared",
    "connection_created",
    "expand_deletes",
    "m2m_changed",
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
