"""End the transaction of an abandoned receiver, so that its locks are released."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from clarion._core.loops import run_in_thread
from clarion.outbox.adapters import is_async_connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.outbox.connection import AsyncConnection, Connection
    from clarion.outbox.database import Database

    End = Callable[[], None]

PATIENCE = 0.1  # seconds
LONGEST_END = 5.0  # seconds
AFTER_INTERRUPT = 1.0  # seconds

logger = logging.getLogger("clarion.worker")


def end_of(database: Database, connection: Connection) -> End:
    """Return a function that ends the connection of a receiver, from another thread.

    Args:
        database: the database of the worker.
        connection: the connection, in the transaction of the receiver.
    """
    if connection.dialect == "sqlite":
        return lambda: _close(_sqlite_of(connection))
    number = connection.rows("connection_number")[0][0]
    return lambda: _kill(database, number)


async def aend_of(database: Database, connection: Connection | AsyncConnection) -> End | None:
    """Return the same for an async receiver; None for an async connection of SQLite."""
    found: Any = connection
    if not is_async_connection(connection):
        return await run_in_thread(lambda: end_of(database, found))
    if connection.dialect == "sqlite":
        return None
    number = (await found.rows("connection_number"))[0][0]
    return lambda: _kill(database, number)


def _kill(database: Database, number: int) -> None:
    try:
        with closing(database.connect()) as connection:
            connection.change("end_connection", number=number)
    except Exception:
        logger.exception("The transaction of a receiver that was left behind could not be ended.")


def _sqlite_of(connection: Any) -> Any:
    """Return the connection of sqlite3 inside one of the outbox."""
    found = getattr(connection, "connection", None)
    while found is not None and not hasattr(found, "interrupt"):  # SQLAlchemy or Django
        found = getattr(found, "driver_connection", None) or getattr(found, "connection", None)
    return found


def _close(raw: Any) -> None:
    """Roll the transaction back, and close the connection; interrupt a statement that runs."""
    if raw is None:
        return
    interrupted = threading.Event()
    ending = threading.Thread(
        target=_roll_back, args=(raw, interrupted), name="clarion-ending", daemon=True
    )
    ending.start()
    ends = time.monotonic() + LONGEST_END
    ending.join(PATIENCE)
    while ending.is_alive() and time.monotonic() < ends:
        with suppress(Exception):  # it was closed meanwhile
            interrupted.set()
            raw.interrupt()
        ending.join(PATIENCE)


def _roll_back(raw: Any, interrupted: threading.Event) -> None:
    # Closing alone keeps the transaction, and its lock, while a cursor with unread rows exists, or
    # one that the traceback of an error holds.
    with suppress(Exception):  # it was closed meanwhile
        # Otherwise the receiver could go on, and write outside a transaction.
        raw.execute("PRAGMA query_only = ON")
        raw.rollback()
    if interrupted.is_set():
        # The thread of the statement still reads the connection, and Python does not protect it.
        time.sleep(AFTER_INTERRUPT)
    with suppress(Exception):
        raw.close()
