"""The database for sends that are in no transaction of a database."""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clarion.errors import BoundaryError

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

    from clarion.outbox.connection import Connection, WorkerConnection
    from clarion.outbox.database import Database

MOST_IDLE = 8  # connections


class Writer:
    """Stores deliveries in short transactions, and keeps its idle connections.

    Args:
        database: the database.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._idle: deque[WorkerConnection] = deque()
        self._process = os.getpid()

    @contextmanager
    def transaction(self) -> Generator[Connection]:
        """Yield a connection in a transaction, which commits at the end of the block."""
        connection, transaction = self._begin()
        try:
            with transaction:
                yield connection
        except BaseException:
            connection.close()
            raise
        self.give_back(connection)

    @property
    def idle(self) -> int:
        """The number of idle connections."""
        return len(self._idle)

    def give_back(self, connection: WorkerConnection) -> None:
        """Keep a connection for the next transaction, or close it if there are enough."""
        if len(self._idle) < MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _begin(self) -> tuple[WorkerConnection, AbstractContextManager[None]]:
        if self._process != os.getpid():
            # A child of a fork must not use the connections of its parent, nor close them.
            self._idle, self._process = deque(), os.getpid()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self.database.connect()
                return connection, connection.transaction()
            if _is_alive(connection):
                return connection, connection.transaction()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()


def _is_alive(connection: WorkerConnection) -> bool:
    """Return whether an idle connection still works; close it if not."""
    try:
        connection.rows("now")
    except Exception:  # noqa: BLE001  # the server has closed it
        connection.close()
        return False
    return True


_writer: list[Writer | None] = [None]


def use_database(database: Database | None) -> Database | None:
    """Store the deliveries of sends that are in no transaction of a database here.

    Such a send is written in a short transaction of its own. Call it once, where the program starts.

        use_database(open_database("sqlite:///outbox.db"))

    Args:
        database: the database; None for none, which refuses such sends.

    Returns:
        The previous one, so that a test can restore it.
    """
    before, _writer[0] = _writer[0], None if database is None else Writer(database)
    if before is None:
        return None
    before.close()
    return before.database


def default_writer() -> Writer | None:
    """Return what stores the sends that are in no transaction of a database, or None."""
    return _writer[0]


def required_writer() -> Writer:
    """Return what stores the sends that are in no transaction of a database.

    Raises:
        BoundaryError: if no database was set.
    """
    found = _writer[0]
    if found is None:
        raise BoundaryError(
            "A signal with durable receivers was sent outside of any database. Send it in a "
            "transaction, or set a database: "
            "clarion.outbox.use_database(open_database('sqlite:///outbox.db'))."
        )
    return found
