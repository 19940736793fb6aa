"""Open the database of an outbox by its URL. SQLite needs no integration."""

from __future__ import annotations

import sqlite3
import sys
from abc import ABC, abstractmethod
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from clarion._core.loops import run_in_thread
from clarion._core.names import quoted_name
from clarion.commit.run import drop_calls, run_calls
from clarion.errors import BoundaryError
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.database import ReceiverTransaction
from clarion.outbox.locks import block_locks
from clarion.outbox.pool import Pool
from clarion.outbox.receiver_boundary import receiver_boundary
from clarion.outbox.turns import Turns
from clarion.outbox.urls import (
    not_a_url,
    path_cure,
    read_options,
    seconds,
    split_url,
    sqlite_file,
    yes_or_no,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from os import PathLike

    from clarion.commit.pending_call import PendingCall
    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.database import Database

BUSY_SECONDS = 30.0

# The integration for each scheme of a URL, imported by its name because it lies in a higher layer.
_INTEGRATIONS = {
    "postgresql": "clarion.integrations.psycopg",
    "postgres": "clarion.integrations.psycopg",
    "mysql": "clarion.integrations.pymysql",
    "mariadb": "clarion.integrations.pymysql",
}

SCHEMES = ("sqlite", *_INTEGRATIONS)
"""The schemes of the URLs that `open_database` takes, in lower case."""

# A connection may be used by any thread here, whatever the second option says.
_SQLITE_OPTIONS: dict[str, Callable[[str], Any]] = {
    "timeout": seconds,
    "check_same_thread": yes_or_no,
}


def open_sqlite(path: str | PathLike[str], timeout: float = BUSY_SECONDS) -> DbapiConnection:
    """Open a connection in autocommit mode to a file of SQLite; create a missing file.

    Args:
        path: the file.
        timeout: how long to wait for the lock of another writer, in seconds.

    Returns:
        The connection. Close it with `close`.

    Raises:
        sqlite3.Error: if the file cannot be opened, or is no database.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=timeout, isolation_level=None, check_same_thread=False
        )
    except sqlite3.OperationalError as error:  # its message has no reason
        if cure := path_cure(path):
            error.add_note(cure)
        raise
    # Readers do not wait for the writer. If the machine crashes, the last commits may be lost;
    # if only the process crashes, no commit is lost.
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:  # the file is no database
        connection.close()
        raise
    return DbapiConnection(connection, "sqlite")


class UrlDatabase(ABC):
    """A database that is reached through a driver alone, without a framework.

    A receiver may have a parameter `connection`. It then gets a connection of the driver, in a
    transaction that commits when it returns.

    Attributes:
        name: how messages name it, without its password.
        dialect: the kind of database.
    """

    name: str
    dialect: str
    provides: tuple[str, ...] = ("connection",)

    @abstractmethod
    def connect(self) -> WorkerConnection:
        """Open a connection for claims and settlements, in autocommit mode."""

    @cached_property
    def _pool(self) -> Pool:
        return Pool(self.connect)

    @cached_property
    def _turns(self) -> Turns:
        return Turns()

    @contextmanager
    def transaction(self) -> Generator[ReceiverTransaction]:
        """Return the transaction in which a receiver is called, on a connection of its own.

        What the receiver sends is stored in it.
        """
        calls: list[PendingCall] = []
        try:
            with self._pool.transaction() as taken:
                connection = cast("DbapiConnection", taken)
                raw = connection.connection
                with receiver_boundary(connection, calls):
                    yield ReceiverTransaction(connection, {"connection": raw}, raw)
        except BaseException:
            drop_calls(calls)
            raise
        run_calls(calls)

    @asynccontextmanager
    async def atransaction(self) -> AsyncGenerator[ReceiverTransaction]:
        """Return the transaction in which an async receiver is awaited.

        Its connection is sync: an async receiver that uses it blocks the event loop meanwhile. So a
        loop has one such transaction at a time, see `Turns`.
        """
        async with self._turns.turn():
            block = ExitStack()
            try:
                # In threads, because it may wait for the database.
                enter = partial(block.enter_context, self.transaction())
                yield await run_in_thread(enter)
            except GeneratorExit:  # the event loop has ended, so nothing can be awaited
                block.__exit__(*sys.exc_info())
                raise
            except BaseException as error:
                await run_in_thread(partial(block.__exit__, type(error), error, None))
                raise
            await run_in_thread(block.close)

    def close_idle(self) -> None:
        """Close the idle connections of its transactions; later ones open others."""
        self._pool.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class SqliteDatabase(UrlDatabase):
    """A file of SQLite.

    Args:
        path: the file; it is created if it is missing.
        timeout: how long to wait for the lock of another writer, in seconds.
    """

    dialect = "sqlite"

    def __init__(self, path: str | PathLike[str], timeout: float = BUSY_SECONDS) -> None:
        self.path = Path(path)
        self._timeout = timeout
        self.name = f"the SQLite file {quoted_name(self.path.name)}"

    def connect(self) -> DbapiConnection:
        """Open a connection."""
        return open_sqlite(self.path, self._timeout)

    def check_unlocked(self) -> None:
        """Refuse to make deliveries in an `atomic` block that keeps others from writing to the file.

        Raises:
            BoundaryError: if it does.
        """
        if block_locks(self.path, lambda: sqlite3.connect(self.path)):
            raise BoundaryError(
                f"The deliveries on {self.name} cannot be made inside a block of atomic() on it, because "
                f"only one connection to a SQLite database can write. Make them after the block."
            )


def open_database(url: str) -> Database:
    """Return the database of a URL, for `Worker` and `use_database`.

    Args:
        url: `sqlite:///outbox.db` (with four slashes for an absolute path),
            `postgresql://user:password@host/database` or `mysql://...`, also for MariaDB. A driver in it,
            as in `postgresql+asyncpg://`, makes no difference. SQLite has the option `?timeout=SECONDS`,
            PostgreSQL those of libpq, and MariaDB those of PyMySQL.

    Raises:
        ArgumentError: if it is no such URL.
        MissingExtraError: if the driver is not installed.
    """
    parts = split_url(url)
    if parts.scheme == "sqlite":
        path, options = sqlite_file(parts.rest)
        return SqliteDatabase(
            path, read_options(options, _SQLITE_OPTIONS).get("timeout", BUSY_SECONDS)
        )
    if parts.scheme not in _INTEGRATIONS:
        scheme = parts.scheme
        raise not_a_url(f"has the scheme {quoted_name(scheme)}" if scheme else "has no scheme")
    opened: Any = import_module(_INTEGRATIONS[parts.scheme]).open_database(url)
    return cast("Database", opened)
