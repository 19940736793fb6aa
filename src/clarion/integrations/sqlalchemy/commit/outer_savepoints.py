"""Savepoints around a receiver, in the transactions around a test (`clarion.testing.commits`).

A session of a test has joined the transaction of a connection. SQLAlchemy does not know the
savepoint. So a session that a receiver opens joins the transaction as if there were no savepoint.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.util import concurrency

from clarion.integrations.sqlalchemy.commit.sessions import begin_on_driver, binds_of
from clarion.integrations.sqlalchemy.send import in_greenlet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable

    from sqlalchemy.orm import Session

_next_number = count(1).__next__


def joined_connections(session: Session, used: Iterable[Connection] = ()) -> list[Connection]:
    """Return the connections whose transactions a session has joined.

    Args:
        session: the session.
        used: other connections that it has used, such as those that `get_bind()` has returned.
    """
    binds: list[Any] = [session.bind, *binds_of(session).values(), *used]
    found = [bind for bind in binds if isinstance(bind, Connection) and bind.in_transaction()]
    return list(dict.fromkeys(found))


class OuterSavepoints:
    """Savepoints in the transactions that a session of a test has joined.

    Args:
        session: the session.
        used: connections that it has used.
    """

    def __init__(self, session: Session, used: Iterable[Connection] = ()) -> None:
        self._set: list[tuple[Connection, Any, str]] = []
        self._connections = joined_connections(session, used)
        self.is_async = any(each.dialect.is_async for each in self._connections)

    def begin(self) -> None:
        """Set the savepoints."""
        for connection in self._connections:
            if connection.dialect.is_async and not in_greenlet():
                continue  # no statement can be executed on this connection
            name = f"clarion_receiver_{_next_number()}"
            with suppress(Exception):  # the test has aborted the transaction itself
                begin_on_driver(connection)
                connection.dialect.do_savepoint(connection, name)
                self._set.append((connection, connection.get_transaction(), name))

    def end(self) -> None:
        """Release the savepoints; roll back one if the database refuses further statements."""
        while self._set:
            connection, transaction, name = self._set.pop()
            if connection.get_transaction() is transaction:
                _release(connection, name)


def _release(connection: Connection, name: str) -> None:
    dialect = connection.dialect
    try:
        dialect.do_release_savepoint(connection, name)
    except Exception:  # noqa: BLE001  # the receiver has aborted the transaction
        with suppress(Exception):
            dialect.do_rollback_to_savepoint(connection, name)
            dialect.do_release_savepoint(connection, name)


@contextmanager
def outer_savepoints(session: Session, used: Iterable[Connection] = ()) -> Generator[None]:
    """Set the savepoints around a sync receiver."""
    savepoints = OuterSavepoints(session, used)
    savepoints.begin()
    try:
        yield
    finally:
        savepoints.end()


@asynccontextmanager
async def async_outer_savepoints(
    session: Session, used: Iterable[Connection] = ()
) -> AsyncGenerator[None]:
    """Set the savepoints around an async receiver."""
    savepoints = OuterSavepoints(session, used)
    await _run(savepoints.begin, savepoints)
    try:
        yield
    finally:
        await _run(savepoints.end, savepoints)


async def _run(function: Callable[[], None], savepoints: OuterSavepoints) -> None:
    if savepoints.is_async:
        await concurrency.greenlet_spawn(function)
    else:
        function()
