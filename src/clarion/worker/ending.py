"""End the transaction of an abandoned receiver, so that its locks are released."""

from __future__ import annotations

import logging
import sys
import threading
import time
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from clarion._core.fork import new_lock
from clarion._core.loops import run_in_thread
from clarion.errors import TransactionError
from clarion.outbox.adapters import is_async_connection

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from clarion.outbox.connection import AsyncConnection, Connection
    from clarion.outbox.database import Database

# An interrupt may stop the rollback too, and always does if a cursor has unread rows. So it comes last.
BEFORE_INTERRUPT = 2.0  # seconds
BETWEEN_INTERRUPTS = 0.1  # seconds
BETWEEN_TRIES = 0.01  # seconds
LONGEST_END = 10.0  # seconds

_READ_ONLY = "PRAGMA query_only = ON"
_READ_AND_WRITE = "PRAGMA query_only = OFF"

logger = logging.getLogger("clarion.worker")


class End(Protocol):
    """Ends the transaction of one receiver."""

    def __call__(self) -> None:
        """End it, from another thread than the receiver's."""
        ...

    def leave(self) -> None:
        """Note in the receiver's thread that the receiver has returned, so nothing is to be ended.

        Raises:
            TransactionError: if the transaction was ended.
        """
        ...


@contextmanager
def abandonable(
    database: Database,
    connection: Connection | AsyncConnection | None,
    note_end: Callable[[End | None], object] | None,
) -> Generator[None]:
    """Let the worker end the transaction of a receiver while the block calls it.

    Args:
        database: the database of the worker.
        connection: the connection, in the transaction of the receiver.
        note_end: gets what ends it. None for a receiver without a time limit.

    Raises:
        TransactionError: at the end of the block, if the transaction was ended meanwhile.
    """
    if note_end is None or connection is None:
        yield
        return
    end = end_of(database, connection)
    note_end(end)
    try:
        yield
    finally:
        end.leave()


@asynccontextmanager
async def aabandonable(
    database: Database,
    connection: Connection | AsyncConnection | None,
    note_end: Callable[[End | None], object] | None,
) -> AsyncGenerator[None]:
    """Do the same for an async receiver."""
    if note_end is None or connection is None:
        yield
        return
    end = await aend_of(database, connection)
    note_end(end)
    try:
        yield
    finally:
        # Python ends a coroutine whose event loop is gone in this way; it cannot await any more.
        is_destroyed = isinstance(sys.exception(), GeneratorExit)
        if end is not None and not is_destroyed:
            end.leave()


def end_of(database: Database, connection: Any) -> End:
    """Return what ends the transaction of a receiver.

    Args:
        database: the database of the worker.
        connection: the connection, in the transaction of the receiver.
    """
    if connection.dialect == "sqlite":
        return SqliteEnd(connection)
    return ServerEnd(database, connection.rows("connection_number")[0][0], connection)


async def aend_of(database: Database, connection: Connection | AsyncConnection) -> End | None:
    """Return the same for an async receiver; None for an async connection of SQLite."""
    found: Any = connection
    if not is_async_connection(connection):
        return await run_in_thread(lambda: end_of(database, found))
    if connection.dialect == "sqlite":
        return None
    return ServerEnd(database, (await found.rows("connection_number"))[0][0])


class _Ends(ABC):
    """Ends the transaction of a receiver, if that has not returned.

    Once the receiver has returned, it does nothing: another receiver may use the connection.

    Args:
        connection: the connection of the receiver; None if the receiver is async.
    """

    def __init__(self, connection: Any = None) -> None:
        self._connection = connection
        self._lock = new_lock()
        self._has_begun = self._has_left = False

    @abstractmethod
    def __call__(self) -> None:
        """End it, from another thread than the receiver's."""

    def leave(self) -> None:
        """Note that the receiver has returned; raise TransactionError if its transaction was ended."""
        with self._lock:
            self._has_left = True
        if self._has_begun:
            # Its connection must not go back to a pool.
            _invalidate(self._connection)
            raise TransactionError(
                "The transaction of the receiver was ended, because its time was over."
            )


class ServerEnd(_Ends):
    """Ends a connection to a server, from another connection."""

    def __init__(self, database: Database, number: Any, connection: Any = None) -> None:
        super().__init__(connection)
        self._database = database
        self._number = number

    def __call__(self) -> None:
        """End it, from another thread than the receiver's."""
        with self._lock:
            if self._has_left:
                return
            self._has_begun = True
        self.end()

    def end(self) -> None:
        """Let the server end the connection, which it may do later."""
        try:
            with closing(self._database.connect()) as connection:
                connection.change("end_connection", number=self._number)
        except Exception:
            logger.exception(
                "The transaction of a receiver that was left behind could not be ended."
            )


def _sqlite_of(connection: Any) -> Any:
    """Return the connection of sqlite3 inside one of the outbox."""
    found = getattr(connection, "connection", None)
    while found is not None and not hasattr(found, "interrupt"):  # SQLAlchemy or Django
        found = getattr(found, "driver_connection", None) or getattr(found, "connection", None)
    return found


class SqliteEnd(_Ends):
    """Rolls a transaction of SQLite back, and interrupts a statement that runs.

    It does not close the connection: the interpreter crashes if its thread is inside a statement, or
    begins one at that moment. The receiver's own thread closes it, once the receiver has returned.
    """

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._raw = _sqlite_of(connection)
        self._is_rolled_back = False
        # With SQLite 3.53, sqlite3 prepares a statement with the interpreter's lock held, and waits for
        # a statement that another thread executes: the whole process would stop. So this is prepared now,
        # and comes from the cache of the connection later.
        self._raw.execute(_READ_ONLY)
        self._raw.execute(_READ_AND_WRITE)

    def __call__(self) -> None:
        """End it, from another thread than the receiver's."""
        ends = time.monotonic() + LONGEST_END
        rolling_back = threading.Thread(
            target=self._end, args=(ends,), name="clarion-ending", daemon=True
        )
        rolling_back.start()
        rolling_back.join(BEFORE_INTERRUPT)
        while rolling_back.is_alive() and time.monotonic() < ends:
            with suppress(Exception):  # it was closed meanwhile
                self._raw.interrupt()
            rolling_back.join(BETWEEN_INTERRUPTS)
        # After a rollback, a connection with `autocommit=False` is in its next transaction.
        if self._has_begun and not self._is_rolled_back and self._is_open():
            logger.error(
                "A receiver that was left behind keeps the lock of its SQLite transaction."
            )

    def _end(self, ends: float) -> None:
        with self._lock:
            if self._has_left:
                return
            self._has_begun = True
            # Otherwise the receiver could go on, and write outside a transaction.
            self._repeat(partial(self._raw.execute, _READ_ONLY), ends)
            # The method prepares its statement without the interpreter's lock. On a connection with
            # `autocommit=True` it does nothing.
            is_explicit = getattr(self._raw, "autocommit", None) is True
            rollback = partial(self._raw.execute, "ROLLBACK") if is_explicit else self._raw.rollback
            self._is_rolled_back = self._repeat(rollback, ends)

    def _repeat(self, execute: Callable[[], object], ends: float) -> bool:
        """Execute a statement, again if it was interrupted itself; return whether it succeeded."""
        while time.monotonic() < ends:
            try:
                execute()
            except Exception as error:  # noqa: BLE001
                if "interrupted" not in str(error):
                    return False  # the receiver has ended the transaction, or closed the connection
                time.sleep(BETWEEN_TRIES)
            else:
                return True
        return False

    def _is_open(self) -> bool:
        try:
            return bool(self._raw.in_transaction)
        except Exception:  # noqa: BLE001  # the connection is closed
            return False

    def leave(self) -> None:
        """Note that the receiver has returned, and close its connection if its transaction was ended."""
        try:
            super().leave()
        except TransactionError:
            # Now, because a rollback held the lock while it used the connection.
            with suppress(Exception):
                self._raw.close()  # so that it does not go back to a pool
            raise


def _invalidate(connection: Any) -> None:
    """Let SQLAlchemy remove a connection from its pool, which would give it to the next receiver."""
    invalidate = getattr(getattr(connection, "connection", None), "invalidate", None)
    if invalidate is not None:
        with suppress(Exception):
            invalidate()
