"""The connections of a worker, which its threads take in turn."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from clarion.worker.transient import retried

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeVar

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.database import Database

    T = TypeVar("T")


class Connections:
    """A pool of connections to one database; it opens as many as are used at a time.

    Args:
        database: the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: deque[WorkerConnection] = deque()
        self._is_closed = False

    @contextmanager
    def take(self) -> Generator[WorkerConnection]:
        """Yield a connection that no other thread uses; close it if the block raises."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._database.connect()
        try:
            yield connection
        except BaseException:
            with suppress(Exception):
                connection.close()
            raise
        if self._is_closed:
            connection.close()
        else:
            self._idle.append(connection)

    def open(self) -> None:
        """Keep connections for the next use, also after `close`."""
        self._is_closed = False

    def close(self) -> None:
        """Close the idle connections, and those in use when they are given back."""
        self._is_closed = True
        while self._idle:
            with suppress(Exception):
                self._idle.pop().close()


def in_transaction(connection: WorkerConnection, function: Callable[[WorkerConnection], T]) -> T:
    """Call a function in a transaction; repeat it after a deadlock or another transient error."""

    def attempt() -> T:
        with connection.transaction():
            return function(connection)

    return retried(attempt)
