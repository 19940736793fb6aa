"""The kinds of databases that can have an outbox."""

from __future__ import annotations

from typing import Any

from clarion._core.names import quoted_name
from clarion.errors import BoundaryError

# Those of `clarion.outbox.statements`, which most programs do not load.
DIALECTS = ("sqlite", "postgresql", "mysql")


def dialect_of(connection: Any) -> str:
    """Return the dialect of the outbox's statements for a connection of Django's.

    Raises:
        BoundaryError: if the outbox has no statements for this database.
    """
    vendor: str = connection.vendor
    if vendor not in DIALECTS:
        raise BoundaryError(
            f"Django's database {quoted_name(connection.alias)} cannot store deliveries, because it is of the "
            f"kind {quoted_name(vendor)}. Use SQLite, PostgreSQL, MariaDB or MySQL, and name its alias with "
            f"durable(database=...)."
        )
    return vendor


def is_supported(connection: Any) -> bool:
    """Return whether the outbox has statements for a connection of Django's."""
    return connection.vendor in DIALECTS


def is_mariadb(connection: Any) -> bool:
    """Return whether a connection of Django's is open to MariaDB, and not to MySQL."""
    if connection.vendor != "mysql" or connection.connection is None:
        return False  # Django would open it to find out
    return bool(connection.mysql_is_mariadb)


def transaction_mode(connection: Any) -> str:
    """Return the mode in which a connection to SQLite begins its transactions."""
    options: dict[str, Any] = connection.settings_dict.get("OPTIONS") or {}
    return str(options.get("transaction_mode") or "DEFERRED").upper()
