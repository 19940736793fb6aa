"""A pool of connections to one database, for short transactions."""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from clarion.outbox.connection import WorkerConnection

MOST_IDLE = 8  # connections

# Settings of a driver's connection. A receiver may change them, and the next receiver does not expect it.
_SETTINGS = (
    "autocommit",
    "cursor_factory",
    "cursorclass",
    "isolation_level",
    "row_factory",
    "text_factory",
)


class Pool:
    """Opens connections, and keeps a few that are idle.

    Args:
        connect: opens a connection in autocommit mode.
    """

    def __init__(self, connect: Callable[[], WorkerConnection]) -> None:
        self._connect = connect
        self._idle: deque[WorkerConnection] = deque()
        self._settings: list[Any] | None = None  # of a new connection
        self._process = os.getpid()

    @contextmanager
    def transaction(self) -> Generator[WorkerConnection]:
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
        """Keep a connection for the next transaction; close it if there are enough, or it was altered."""
        settings = settings_of(getattr(connection, "connection", None))
        if len(self._idle) < MOST_IDLE and self._settings in (None, settings):
            self._idle.append(connection)
        else:
            connection.close()

    def _open(self) -> WorkerConnection:
        connection = self._connect()
        self._settings = settings_of(getattr(connection, "connection", None))
        return connection

    def _pop(self) -> WorkerConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _begin(self) -> tuple[WorkerConnection, AbstractContextManager[None]]:
        if self._process != os.getpid():
            # A child of a fork must not use the connections of its parent, nor close them.
            self._idle, self._process = deque(), os.getpid()
        while True:
            connection = self._pop()
            if connection is None:
                connection = self._open()
                return connection, connection.transaction()
            if is_alive(connection):
                return connection, connection.transaction()

    def close(self) -> None:
        """Close the idle connections; in a child of a fork, leave those of the parent open."""
        while self._idle and self._process == os.getpid():
            self._idle.pop().close()


def settings_of(raw: Any) -> list[Any]:
    """Return the settings of a connection of a driver that a receiver may change."""
    return [getattr(raw, name, None) for name in _SETTINGS]


def is_alive(connection: WorkerConnection) -> bool:
    """Return whether an idle connection still works; close it if not."""
    try:
        connection.rows("now")
    except Exception:  # noqa: BLE001  # the server has closed it
        connection.close()
        return False
    return True
