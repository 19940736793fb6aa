"""A worker's connections to the database of an engine, in autocommit mode."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.util import concurrency

from clarion._core.fork import new_lock
from clarion.integrations.sqlalchemy.outbox.engines import (
    commit_each_statement,
    is_always_in_transaction,
)
from clarion.outbox.adapters import CoreConnection, dialect_of_core
from clarion.outbox.connection import BEGIN, DbapiConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from sqlalchemy import Connection, Engine

    from clarion.outbox.connection import Row

# MariaDB would lock gaps between rows, on which workers and senders deadlock.
_READ_COMMITTED = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
_WAIT_FOR_LOCKS = "PRAGMA busy_timeout = 30000"  # milliseconds


class EngineConnection(DbapiConnection):
    """A connection of a sync driver, which the statements use without SQLAlchemy.

    Args:
        engine: an engine without a pool.
    """

    def __init__(self, engine: Engine) -> None:
        self._opened = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        raw = self._opened.connection.driver_connection
        super().__init__(raw, dialect_of_core(engine), engine.dialect.paramstyle)
        if self.dialect == "mysql":
            self._execute(_READ_COMMITTED)
        elif self.dialect == "sqlite":
            commit_each_statement(self.connection)
            self._execute(_WAIT_FOR_LOCKS)

    def close(self) -> None:
        """Close the connection."""
        if _is_lost(self.connection):
            self._opened.invalidate()  # SQLAlchemy would log that it cannot be rolled back
        self._opened.close()


def _is_lost(raw: Any) -> bool:
    """Return whether a driver has noticed that its connection is broken."""
    # psycopg and psycopg2 have `closed`, the drivers of MySQL have `open`.
    return bool(getattr(raw, "closed", False)) or not getattr(raw, "open", True)


class LoopThread:
    """An event loop in a thread of its own, which ends with the last connection in it."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def enter(self) -> None:
        """Start the loop for a connection."""
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=_run_forever, args=(loop,), name="clarion-outbox", daemon=True
                )
                try:
                    thread.start()
                except BaseException:  # the system has no more threads
                    loop.close()
                    raise
                self._loop = loop
            self._users += 1

    def leave(self) -> None:
        """End the loop, if no other connection is in it."""
        with self._lock:
            self._users -= 1
            loop = self._loop
            if self._users == 0 and loop is not None:
                self._loop = None
                loop.call_soon_threadsafe(loop.stop)

    def run(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Call a function of SQLAlchemy in the loop, and wait for its result."""
        loop = self._loop
        assert loop is not None, "no connection is open"  # noqa: S101
        coroutine = concurrency.greenlet_spawn(function, *arguments, **keywords)
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()


def _run_forever(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


class AsyncEngineConnection:
    """A connection of an async driver, whose statements run in the loop of a thread.

    Args:
        engine: the sync engine inside an async one, without a pool and without listeners.
        thread: the thread.
    """

    def __init__(self, engine: Engine, thread: LoopThread) -> None:
        self.dialect = dialect_of_core(engine)
        self._thread = thread
        thread.enter()
        try:
            self._opened: Connection = thread.run(_open, engine)
        except BaseException:
            thread.leave()
            raise
        self._core = CoreConnection(self._opened)
        self._driver_connection: Any = self._opened.connection.driver_connection

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        found: list[Row] = self._thread.run(self._core.rows, name, **parameters)
        return found

    def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        changed: int = self._thread.run(self._core.change, name, **parameters)
        return changed

    def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, once for each row of parameters."""
        self._thread.run(self._core.insert, name, rows)

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB, and not MySQL."""
        return self._core.is_mariadb

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Begin a transaction, and commit it, or roll it back if the block raises."""
        self._execute(BEGIN[self.dialect])
        try:
            yield
        except BaseException:
            with suppress(Exception):  # SQLite may have rolled back by itself
                self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        try:
            if not self._opened.invalidated and _is_lost(self._driver_connection):
                self._thread.run(self._opened.invalidate)
            self._thread.run(self._opened.close)
        finally:
            self._thread.leave()

    def _execute(self, statement: str) -> None:
        self._thread.run(self._opened.exec_driver_sql, statement)


def _open(engine: Engine) -> Connection:
    opened = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    if engine.dialect.name in {"mysql", "mariadb"}:
        opened.exec_driver_sql(_READ_COMMITTED)
    elif engine.dialect.name == "sqlite":
        driver: Any = opened.connection.driver_connection
        if is_always_in_transaction(driver):
            # In the thread of aiosqlite, because sqlite3 allows it in no other one.
            change = driver._execute(setattr, driver._conn, "autocommit", True)  # noqa: FBT003, SLF001
            concurrency.await_only(change)
        opened.exec_driver_sql(_WAIT_FOR_LOCKS)
    return opened
