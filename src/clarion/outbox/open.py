"""Open a database of SQLite for the outbox."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from clarion.outbox.connection import DbapiConnection

if TYPE_CHECKING:
    from os import PathLike

BUSY_SECONDS = 30.0


def open_sqlite(path: str | PathLike[str]) -> DbapiConnection:
    """Open a connection in autocommit mode to a file of SQLite; create a missing file.

    Args:
        path: the file.

    Returns:
        The connection. Close it with `close`.
    """
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    # Readers do not wait for the writer. If the machine crashes, the last commits may be lost;
    # if only the process crashes, no commit is lost.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return DbapiConnection(connection, "sqlite")
