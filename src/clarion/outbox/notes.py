"""Notes that say what to do about an error of a database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from clarion._core.commands import command_line

if TYPE_CHECKING:
    from collections.abc import Generator

_BUSY_SNAPSHOT = 517  # SQLite
_UNDEFINED_TABLE = "42P01"  # PostgreSQL
_NO_SUCH_TABLE = 1146  # MySQL and MariaDB

# The codes of SQLite, whose last byte is the kind; of PostgreSQL; of MySQL and MariaDB.
_LAST_OF_SQLITE = 0xFF
_FULL = {13, "53100", 1021, 1114}
_READ_ONLY = {8, "25006", 1792, 1290, 1836}
_FORBIDDEN = {"42501", 1142, 1143}
_PREPARED = {"42P05", "26000"}  # PostgreSQL; the statement exists, or does not

NO_TABLES = "has no tables for stored deliveries."
BUSY_CURE = (
    "SQLite refuses at once to write in a transaction that has read, if another connection has "
    "written since. No timeout helps. Begin with BEGIN IMMEDIATE, so that the transaction takes the "
    "lock for writing first. With sqlite3: connect(..., isolation_level='IMMEDIATE'). With SQLAlchemy: "
    "execute it in a listener of the engine's event 'begin'."
)
FULL_CURE = "The disk of the database is full. Nothing is lost: free some space, and try again."
READ_ONLY_CURE = (
    "Deliveries cannot be stored or settled in a database, or in a transaction, that is read only. Use one "
    "that can be written to, such as that of the primary server. SQLite also writes to the directory of its file."
)
FORBIDDEN_CURE = (
    "The user of the database lacks a right on the tables for stored deliveries. Grant it SELECT, INSERT, "
    "UPDATE and DELETE on each table whose name begins with clarion_."
)
POOLER_CURE = (
    "A pooler in transaction mode, such as PgBouncer, gives each transaction another connection of the "
    "server. So turn prepared statements off: PsycopgDatabase(url, prepare_threshold=None), or "
    "prepare_threshold=None of psycopg and statement_cache_size=0 of asyncpg."
)


@contextmanager
def cures_noted() -> Generator[None]:
    """Add the cure to an error that leaves the block, where it is known."""
    try:
        yield
    except Exception as error:
        note_cure(error)
        raise


def note_cure(error: BaseException) -> None:
    """Add the cure to an error of a database, where it is known.

    Args:
        error: the error of a driver, or of a framework that wraps it.
    """
    cure = known_cure(error)
    notes: list[str] = getattr(error, "__notes__", [])
    if cure is None or cure in notes:
        return
    # A framework may have noted its own way to create them.
    if cure != tables_cure() or not any(NO_TABLES in each for each in notes):
        error.add_note(cure)


def known_cure(error: BaseException) -> str | None:
    """Return the cure of an error of a driver, or of a framework that wraps it, or None."""
    return cure_of(_cause_of(error))


def _cause_of(error: BaseException) -> Any:
    """Return the error of the driver, which SQLAlchemy and Django wrap."""
    return getattr(error, "orig", None) or error.__cause__ or error


def cure_of(cause: Any) -> str | None:
    """Return the cure of an error of a driver, or None."""
    if getattr(cause, "sqlite_errorcode", None) == _BUSY_SNAPSHOT:
        return BUSY_CURE
    if is_without_table(cause):
        return tables_cure()
    return state_cure(cause)


def tables_cure() -> str:
    """Return what to do if a database has no tables of the outbox."""
    return (
        f"The database {NO_TABLES} Create them with "
        f"`{command_line('outbox create')}`, with clarion.outbox.tables.create_tables, or by a "
        f"migration of your framework."
    )


def is_forbidden(error: BaseException) -> bool:
    """Return whether a user of a database lacks a right on a table of the outbox."""
    cause = _cause_of(error)
    return not _codes(cause).isdisjoint(_FORBIDDEN) and "clarion_" in str(cause)


def state_cure(cause: BaseException) -> str | None:
    """Return the cure if a database is full, read only, forbidden, or behind a pooler; or None."""
    if is_forbidden(cause):
        return FORBIDDEN_CURE
    codes = _codes(cause)
    if not codes.isdisjoint(_FULL):
        return FULL_CURE
    if not codes.isdisjoint(_PREPARED):
        return POOLER_CURE
    return None if codes.isdisjoint(_READ_ONLY) else READ_ONLY_CURE


def _codes(cause: Any) -> set[object]:
    """Return the codes of an error, as each driver has them."""
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return {code & _LAST_OF_SQLITE}
    first = _first_argument(cause)
    number = first if type(first) is int and first > _LAST_OF_SQLITE else None
    return {sql_state(cause), number}


def sql_state(error: Any) -> str | None:
    """Return the code of an error of a driver for PostgreSQL; None if the error has none."""
    # Newer releases of PyMySQL have a state too, which is "HY000" for most errors.
    state: str | None = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state is None and type(fields := _first_argument(error)) is dict:  # pg8000
        return cast("dict[str, str]", fields).get("C")
    return state


def is_without_table(cause: Any) -> bool:
    """Return whether an error of a driver says that there are no tables of the outbox."""
    first = _first_argument(cause)
    if sql_state(cause) == _UNDEFINED_TABLE or first == _NO_SUCH_TABLE:
        return True
    return isinstance(first, str) and "no such table: clarion_" in first


def _first_argument(cause: Any) -> object:
    """Return the first argument of an error of a driver: its number in MySQL, or its text.

    A receiver may raise another error with any number, such as the id of an order.
    """
    is_of_a_driver = any(kind.__name__ == "DatabaseError" for kind in type(cause).__mro__)
    return cause.args[0] if is_of_a_driver and cause.args else None
