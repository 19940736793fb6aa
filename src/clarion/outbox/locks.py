"""Whether an open transaction of this thread keeps other connections to a SQLite file from writing.

`drain` runs in the thread of the transaction. So nothing would release the lock that it waits for.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from clarion.commit.boundary import active_boundaries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Connect = Callable[[], Any]


def block_locks(path: Path, connect: Connect) -> bool:
    """Return whether an `atomic` block around this code keeps others from writing to a file.

    Args:
        path: the file.
        connect: opens another connection of the driver to it.
    """
    connections = [getattr(each.boundary, "connection", None) for each in active_boundaries()]
    return any(
        isinstance(each, sqlite3.Connection) and _locks_file(each, path, connect)
        for each in connections
    )


def locks(driver: Any, connect: Connect) -> bool:
    """Return whether a connection in a transaction keeps others to its file from writing.

    Args:
        driver: the connection of the driver.
        connect: opens another connection of the driver to the file.
    """
    [mode] = _rows(driver, "PRAGMA journal_mode")
    if mode != ("wal",):
        return True  # also if it has only read
    other = connect()
    try:
        return _is_locked(other)
    finally:
        other.close()


def _is_locked(driver: Any) -> bool:
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        driver.execute("BEGIN IMMEDIATE")
    except Exception as error:
        if type(error).__name__ != "OperationalError":  # each driver has its own
            raise
        return True
    driver.rollback()
    return False


def _locks_file(driver: sqlite3.Connection, path: Path, connect: Connect) -> bool:
    if not driver.in_transaction or not path.exists():
        return False
    try:
        files = [file for _, _, file in _rows(driver, "PRAGMA database_list") if file]
    except sqlite3.ProgrammingError:
        return False  # it belongs to another thread, which may end its transaction meanwhile
    return any(map(path.samefile, files)) and locks(driver, connect)


def _rows(driver: Any, statement: str) -> list[tuple[Any, ...]]:
    cursor = driver.cursor()
    cursor.row_factory = None  # that of the program may return other objects
    found: list[tuple[Any, ...]] = cursor.execute(statement).fetchall()
    return found
