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
        """Yield a connection that no other thread uses; close it if the block raises.

        The idle ones are closed too then, because a server that has restarted has ended them all.
        """
        # Not in the handler of IndexError: an error of the database must not have it as its context.
        connection = self._pop() or self._database.connect()
        try:
            yield connection
        except BaseException:
            with suppress(Exception):
                connection.close()
            self._close_idle()
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
        self._close_idle()

    def _pop(self) -> WorkerConnection | None:
        try:
            return self._idle.pop()
        except IndexError:  # a check before could be too early, because other threads use the pool
            return None

    def _close_idle(self) -> None:
        while (idle := self._pop()) is not None:
            with suppress(Exception):
                idle.close()


def in_transaction(connection: WorkerConnection, function: Callable[[WorkerConnection], T]) -> T:
    """Call a function in a transaction; repeat it after a deadlock or another transient error."""

    def attempt() -> T:
        with connection.transaction():
            return function(connection)

    return retried(attempt)
