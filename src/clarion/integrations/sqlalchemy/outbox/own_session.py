"""The database of a bound session, whose deliveries a test makes, and to which receivers write.

A session that has joined the transaction of a connection never commits there, so no other connection
sees what it has stored.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.util import concurrency

from clarion._core.names import quoted_name
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy.aliases import DEFAULT, alias_of, engine_of
from clarion.integrations.sqlalchemy.async_sessions import async_session
from clarion.integrations.sqlalchemy.commit.bound import bound, bound_sessions
from clarion.integrations.sqlalchemy.commit.sessions import (
    binds_known,
    ignores_outer,
    new_async_session,
    new_session,
)
from clarion.integrations.sqlalchemy.outbox.database import (
    EngineDatabase,
    atransaction_of,
    transaction_of,
)
from clarion.integrations.sqlalchemy.outbox.engines import is_in_memory
from clarion.integrations.sqlalchemy.outbox.locks import blocks
from clarion.integrations.sqlalchemy.send import in_greenlet
from clarion.outbox.adapters import CoreConnection, dialect_of_core

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from sqlalchemy.orm import Session

    from clarion.outbox import Database, ReceiverTransaction
    from clarion.outbox.connection import Row, WorkerConnection

    S = TypeVar("S")
    T = TypeVar("T")

_DATABASE = "clarion_database"  # an attribute of an engine


class OwnConnection(CoreConnection):
    """The connection of a test, in the place of a worker's.

    Args:
        connection: the connection.
    """

    def transaction(self) -> AbstractContextManager[Any]:
        """Return a transaction; a savepoint inside the transaction of a test."""
        if self.connection.in_transaction():
            found: AbstractContextManager[Any] = self.connection.begin_nested()
            return found
        begun: AbstractContextManager[Any] = self.connection.begin()
        return begun

    def close(self) -> None:
        """Leave the connection open, because it is the test's."""


class MemoryConnection(OwnConnection):
    """A connection to a database in memory, in autocommit mode, as a worker's is.

    SQLAlchemy begins a transaction for a statement and keeps it open, also for a read. The transaction of
    a receiver could not begin beside it, because both have the same connection of the driver.
    """

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        with self._committed():
            return super().rows(name, **parameters)

    def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        with self._committed():
            return super().change(name, **parameters)

    def _committed(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.connection.in_transaction() else self.transaction()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class SessionDatabase:
    """A database of a session, whose receivers get sessions like it.

    The database of an AsyncSession is used in a greenlet, as by `acall_sync` or `AsyncSession.run_sync`.

    Args:
        session: the session.
        bind: the engine or the connection of the session that has the outbox.
    """

    provides = ("connection", "session")

    def __init__(self, session: Session, bind: Engine | Connection) -> None:
        self._session = session
        self._bind = bind
        self.name = f"SQLAlchemy's engine {quoted_name(alias_of(bind.engine))}"
        self.dialect = dialect_of_core(bind)

    def connect(self) -> WorkerConnection:
        """Return the session's connection; of an engine a new one, in autocommit mode."""
        if isinstance(self._bind, Connection):
            return OwnConnection(self._bind)
        if is_in_memory(self._bind):
            return MemoryConnection(self._bind.connect())
        return _engine_database(self._bind).connect()

    def check_unlocked(self) -> None:
        """Refuse to make deliveries if the open transaction of the session would block them on SQLite.

        Raises:
            BoundaryError: if it would.
        """
        if not isinstance(self._bind, Connection) and blocks(self._session, self._bind):
            raise BoundaryError(
                f"The deliveries on {self.name} cannot be made while the transaction of the bound session is "
                f"open, because only one connection to a SQLite database can write. Commit it first."
            )

    @contextmanager
    def transaction(self) -> Generator[ReceiverTransaction]:
        """Return the transaction in which a receiver is called, with a new session."""
        session = self._new(new_session)
        begun = nullcontext() if session.in_transaction() else session.begin()
        with session, begun, bound(session):
            yield transaction_of(session, self._bind)

    @asynccontextmanager
    async def atransaction(self) -> AsyncGenerator[ReceiverTransaction]:
        """Return the transaction in which an async receiver is awaited, with a session like its own."""
        if async_session(self._session) is None:
            with self.transaction() as transaction:
                yield transaction
            return
        session = self._new(new_async_session)
        begun = nullcontext() if session.in_transaction() else session.begin()
        async with session, begun, bound(session):
            yield await atransaction_of(session, self._bind)

    def _new(self, make: Callable[[Session], S]) -> S:
        """Return a new session like the one of the test; it gets a savepoint."""
        before = ignores_outer.get()
        ignores_outer.set(isinstance(self._bind, Connection) or before)
        try:
            return make(self._session)
        finally:
            ignores_outer.set(before)

    async def acall_sync(self, function: Callable[[], T]) -> T:
        """Call a function in a greenlet, in which it may use the connection."""
        called: T = await concurrency.greenlet_spawn(function)
        return called

    def can_await(self) -> bool:
        """Return whether `run_coroutine` can be called beside the running event loop."""
        return in_greenlet()

    def run_coroutine(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine in the event loop of this greenlet, or in a new loop."""
        awaited: T = concurrency.await_only(coroutine) if in_greenlet() else asyncio.run(coroutine)
        return awaited

    def __repr__(self) -> str:
        return f"<SessionDatabase {self.name}>"


def session_databases() -> list[Database]:
    """Return the databases with an outbox to which the bound sessions of this context write.

    Outside of a greenlet, an AsyncSession on the connection of a test is left out: only a coroutine can
    use it.
    """
    found: dict[int, Database] = {}
    for boundary in bound_sessions():
        for bind in binds_known(boundary.session):
            if id(bind.engine.pool) not in found:
                database = _database_of(boundary.session, bind)
                if database is not None:
                    found[id(bind.engine.pool)] = database
    return list(found.values())


def receiver_database(alias: str | None) -> Database | None:
    """Return the database to which background receivers write; None if none is known.

    It is that of a session that is bound to this context, or otherwise that of the engine with this alias.

    Args:
        alias: the alias of the engine; None for the innermost session, or for the engine with the alias
            "default".
    """
    for boundary in bound_sessions():
        for bind in binds_known(boundary.session):
            if alias is None or alias_of(bind.engine) == alias:
                return _receivers_database(boundary.session, bind)
    engine = engine_of(alias or DEFAULT)
    return None if engine is None or is_in_memory(engine) else _engine_database(engine)


def _receivers_database(session: Session, bind: Engine | Connection) -> Database | None:
    is_own = isinstance(bind, Connection) or is_in_memory(bind)
    if async_session(session) is None or (is_own and in_greenlet()):
        return SessionDatabase(session, bind)
    # Only a coroutine can use the connection of a test, or the memory of another connection.
    return None if is_own else _engine_database(bind.engine)


def _engine_database(engine: Engine) -> EngineDatabase:
    """Return the database of an engine: one object, because it keeps connections for each event loop."""
    if _DATABASE not in vars(engine):
        source: Any = engine
        if engine.dialect.is_async:
            from sqlalchemy.ext.asyncio import AsyncEngine

            source = AsyncEngine(engine)
        vars(engine).setdefault(_DATABASE, EngineDatabase(source))
    found: EngineDatabase = vars(engine)[_DATABASE]
    return found


def _database_of(session: Session, bind: Engine | Connection) -> Database | None:
    is_own = isinstance(bind, Connection) or is_in_memory(bind)
    if async_session(session) is None or (is_own and in_greenlet()):
        return SessionDatabase(session, bind) if _has_outbox(session, bind) else None
    if isinstance(bind, Connection) or is_own:
        return None
    from sqlalchemy.ext.asyncio import AsyncEngine

    database = EngineDatabase(AsyncEngine(bind))
    connection = database.connect()
    try:
        connection.rows("read_version")
    except SQLAlchemyError:
        return None
    finally:
        connection.close()
    return database


def _has_outbox(session: Session, bind: Engine | Connection) -> bool:
    # A database in memory has one connection, on which the session may have begun a transaction.
    is_begun = isinstance(bind, Engine) and is_in_memory(bind) and blocks(session, bind)
    inspected = session.connection(bind_arguments={"bind": bind}) if is_begun else bind
    return inspect(inspected).has_table("clarion_event")
