"""Wait for the answer of a database for a bounded time.

A server may accept a connection and never answer: a host that is stopped, another service at this
port, a proxy without a database behind it. Drivers wait minutes for an answer, or without a limit.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.outbox.database import Database

SECONDS = 15.0  # a database that has to be started first may take some


def ask(database: Database) -> None:
    """Open a connection to the database of a server, begin a transaction, and close the connection.

    A file of SQLite is left out, because it has no server.
    """
    if database.dialect != "sqlite":
        with closing(database.connect()) as connection, connection.transaction():
            pass


def require_answer(asked: Callable[[], object], seconds: float | None = None) -> None:
    """Call a function that asks a database, and wait for its end.

    Args:
        asked: the function, called in a thread of its own.
        seconds: how long to wait; by default `SECONDS`.

    Raises:
        TimeoutError: if it has not ended by then. Its thread goes on.
        Exception: what the function raises.
    """
    limit = SECONDS if seconds is None else seconds
    ended = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            asked()
        except BaseException as error:  # noqa: BLE001  # raised below
            errors.append(error)
        finally:
            ended.set()

    threading.Thread(target=run, name="clarion-ask", daemon=True).start()
    if not ended.wait(limit):
        raise TimeoutError(f"the database has not answered for {limit:g} seconds")
    if errors:
        raise errors[0]
