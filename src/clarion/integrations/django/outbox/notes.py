"""Add the cure to the errors of the outbox's statements."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.apps import apps

from clarion._core.names import quoted_name
from clarion.integrations.django.outbox.vendors import transaction_mode

APP = "clarion.integrations.django.outbox"

# The result codes of SQLite have the kind of error in the last byte.
_BUSY, _KIND = 5, 0xFF


def add_note(error: Exception, connection: Any) -> None:
    """Add the cure of an error, where it is known.

    Args:
        error: an error of Django's, whose cause is the driver's.
        connection: the connection of Django's.
    """
    # Late, because the checks import this module in projects that do not load the outbox.
    from clarion.outbox.notes import NO_TABLES, is_without_table, state_cure

    cause = error.__cause__
    if _is_busy(cause) and transaction_mode(connection) == "DEFERRED":
        error.add_note(
            f"SQLite refuses to write in a transaction that has read, if another connection has "
            f"written since. {immediate_cure(connection.alias)}"
        )
    elif is_without_table(cause):
        error.add_note(
            f"The database {quoted_name(connection.alias)} {NO_TABLES} {migrate_cure(connection.alias)}"
        )
    elif (cure := state_cure(cause or error)) is not None:
        error.add_note(cure)


def immediate_cure(alias: str) -> str:
    """Return how transactions of a database of SQLite can write after they have read."""
    return (
        f"Set 'OPTIONS': {{'transaction_mode': 'IMMEDIATE'}} for the database {quoted_name(alias)}, so "
        f"that a transaction takes the lock for writing when it begins."
    )


def migrate_cure(alias: str) -> str:
    """Return how a database gets the tables."""
    migrate = f"un `manage.py migrate --database={alias}`."
    return (
        f"R{migrate}"
        if apps.is_installed(APP)
        else f"Add '{APP}' to INSTALLED_APPS, and r{migrate}"
    )


def _is_busy(cause: BaseException | None) -> bool:
    code = getattr(cause, "sqlite_errorcode", None)
    return (
        isinstance(cause, sqlite3.OperationalError) and code is not None and code & _KIND == _BUSY
    )
