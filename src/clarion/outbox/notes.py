"""What the error of a statement that stores a send adds, so that its cure is known."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_BUSY_SNAPSHOT = 517  # SQLite
_UNDEFINED_TABLE = "42P01"  # PostgreSQL
_NO_SUCH_TABLE = 1146  # MySQL and MariaDB

BUSY_CURE = (
    "SQLite refuses at once to write in a transaction that has read, if another connection has "
    "written since. No timeout helps. Begin with BEGIN IMMEDIATE, so that the transaction takes the "
    "lock for writing first. With sqlite3: connect(..., isolation_level='IMMEDIATE'). With SQLAlchemy: "
    "execute it in a listener of the engine's event 'begin'."
)
TABLES_CURE = (
    "The database has no tables for stored deliveries. Create them with `clarion outbox create URL`, with "
    "clarion.outbox.tables.create_tables, or by a migration of your framework."
)


@contextmanager
def cures_noted() -> Generator[None]:
    """Add the cure to an error that leaves the block, where it is known."""
    try:
        yield
    except Exception as error:
        # SQLAlchemy wraps the error of the driver.
        cause = getattr(error, "orig", None) or error
        if getattr(cause, "sqlite_errorcode", None) == _BUSY_SNAPSHOT:
            error.add_note(BUSY_CURE)
        elif _is_without_table(cause):
            error.add_note(TABLES_CURE)
        raise


def _is_without_table(cause: Any) -> bool:
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    arguments = getattr(cause, "args", ())
    first = arguments[0] if arguments else None
    if state == _UNDEFINED_TABLE or first == _NO_SUCH_TABLE:
        return True
    return isinstance(first, str) and "no such table: clarion_" in first
