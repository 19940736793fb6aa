"""EngineDatabase: a worker's database that is reached through an engine of SQLAlchemy."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import copy_context
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.util import concurrency

from clarion._core.loops import is_loop_running
from clarion._core.names import quoted_name, value_name
from clarion.errors import ArgumentError, BoundaryError
from clarion.integrations.sqlalchemy.aliases import alias_of
from clarion.integrations.sqlalchemy.async_sessions import is_async_sessionmaker
from clarion.integrations.sqlalchemy.commit.bound import bound
from clarion.integrations.sqlalchemy.commit.write_connections import check_rows
from clarion.integrations.sqlalchemy.outbox.connections import (
    AsyncEngineConnection,
    EngineConnection,
    LoopThread,
)
from clarion.integrations.sqlalchemy.outbox.deferred import is_deferred, log_deferred
from clarion.integrations.sqlalchemy.outbox.engines import is_in_memory, own_engine
from clarion.integrations.sqlalchemy.outbox.loop_engines import LoopEngines
from clarion.outbox import ReceiverTransaction
from clarion.outbox.adapters import AsyncCoreConnection, CoreConnection, dialect_of_core
from clarion.outbox.connection import is_aborted
from clarion.outbox.statements import statements
from clarion.outbox.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

    from clarion.outbox.connection import WorkerConnection

    T = TypeVar("T")

_thread = threading.local()


class EngineDatabase:
    """The database of an engine, for `Worker` and `use_database`.

        async with Worker(EngineDatabase(sessions)):
            ...

    A receiver may have a parameter `session`, or `connection`. It gets a session of the program's
    class and options, or the connection of that session, in a transaction that commits when the
    receiver returns. With an async engine, an async receiver gets an `AsyncSession`, and a sync
    receiver its sync session. With a sync engine, both get a sync session, which blocks the event
    loop of an async receiver. So async receivers with a transaction then run one after the other.

    Args:
        source: an engine or a sessionmaker, sync or async.
        engine: the engine to the database with the outbox, if the sessionmaker has several.

    Attributes:
        engine: the engine of the program; the sync one of an async engine.
        is_async: whether the program's engine is async.
        name: how messages name it.
        dialect: the kind of database.

    Raises:
        ArgumentError: if it is something else, has no engine, or is a database in memory or of a kind
            that has no outbox.
    """

    provides = ("connection", "session")

    def __init__(
        self,
        source: Engine | AsyncEngine | sessionmaker[Any] | async_sessionmaker[Any],
        *,
        engine: Engine | AsyncEngine | None = None,
    ) -> None:
        is_maker = isinstance(source, sessionmaker) or is_async_sessionmaker(source)
        given: Any = engine or (cast("Any", source).kw.get("bind") if is_maker else source)
        found: Any = getattr(given, "sync_engine", given)
        if not isinstance(found, Engine):
            raise _not_an_engine(source, given, is_maker=is_maker)
        statements(dialect_of_core(found))  # refuses a kind of database without an outbox
        if is_in_memory(found):
            raise ArgumentError(
                "A worker cannot use a SQLite database in memory, because it has connections of its own. "
                "Give an engine of a file."
            )
        self.is_async = found is not given
        self.engine = found
        self._maker: Any = source if is_maker else None
        self._thread = LoopThread()
        self._loops = LoopEngines()
        self._turns = Turns()
        self.name = f"SQLAlchemy's engine {quoted_name(alias_of(found))}"
        self.dialect = dialect_of_core(found)

    def connect(self) -> WorkerConnection:
        """Open a connection for claims and settlements, in autocommit mode, outside the pool."""
        if self.is_async:
            return AsyncEngineConnection(self._own_engine, self._thread)
        return EngineConnection(self._own_engine)

    def listening(self, wake: Callable[[], object]) -> AbstractContextManager[None]:
        """Call a function after commits that store deliveries, while the block runs.

        PostgreSQL sends notifications through psycopg 3.2 or later and asyncpg, if the tables were
        created with `notify=True`. The connection for them is outside the pool.

        Args:
            wake: the function, called in another thread. It must return at once.
        """
        if self.dialect != "postgresql":
            return nullcontext()
        from clarion.integrations.sqlalchemy.outbox.notifications import engine_listening

        thread = self._thread if self.is_async else None
        return engine_listening(self._own_engine, thread, wake, self.name)

    def check_rows(self, arguments: Mapping[str, Any]) -> None:
        """Refuse a send with an object of another database, which a worker cannot load.

        Raises:
            BoundaryError: if there is one.
        """
        session = self._session()
        check_rows(session.sync_session if hasattr(session, "sync_session") else session, arguments)

    def warn_at_start(self) -> None:
        """Log a warning if a send in a transaction that has read may fail on SQLite."""
        if self.is_deferred():
            log_deferred(self.name)

    def is_deferred(self) -> bool:
        """Return whether the transactions of an engine of SQLite begin deferred; the check begins one."""
        if not self.is_async:
            return is_deferred(self.engine)
        self._thread.enter()
        try:
            return bool(self._thread.run(is_deferred, self.engine))
        finally:
            self._thread.leave()

    @contextmanager
    def serving_thread(self) -> Generator[None]:
        """Keep an event loop for the sync receivers of an async engine, which this thread calls."""
        if not self.is_async:
            yield
            return
        with asyncio.Runner() as runner:
            _thread.runner = runner
            try:
                yield
            finally:
                _thread.runner = None

    def call_sync(self, function: Callable[[], T]) -> T:
        """Call a function in which `transaction` may be used.

        The session of an async engine runs in an event loop: the one that `serving_thread` keeps, or
        one for this call. If a loop runs in this thread, the call runs in another one,
        and this one waits.
        """
        if not self.is_async:
            return function()
        runner: asyncio.Runner | None = getattr(_thread, "runner", None)
        if runner is not None:
            return cast("T", runner.run(_spawned(function), context=copy_context()))
        if not is_loop_running():
            return cast("T", asyncio.run(_spawned(function)))
        with ThreadPoolExecutor(1, "clarion-outbox") as thread:
            context = copy_context()
            future = thread.submit(context.run, lambda: asyncio.run(_spawned(function)))
            return cast("T", future.result())

    @contextmanager
    def transaction(self) -> Generator[ReceiverTransaction]:
        """Return the transaction in which a sync receiver is called.

        It commits at the end of the block, and rolls back if the block raises. What the receiver sends
        waits for that commit, or is stored in it. With an async engine, use it inside `call_sync`.
        """
        opened: Any = self._async_session().sync_session if self.is_async else self._session()
        session: Session = opened
        with session, session.begin(), bound(session):
            yield transaction_of(session, self._bind)
            _check_commit(session, self._bind)

    @asynccontextmanager
    async def atransaction(self) -> AsyncGenerator[ReceiverTransaction]:
        """Return the transaction in which an async receiver is awaited.

        With a sync engine, a loop has one such transaction at a time, see `Turns`.
        """
        if not self.is_async:
            async with self._turns.turn():
                with self.transaction() as transaction:
                    yield transaction
            return
        async with self._async_session() as session, session.begin(), bound(session):
            yield await atransaction_of(session, self._bind)
            await session.run_sync(_check_commit, self._bind)

    @cached_property
    def _own_engine(self) -> Engine:
        return own_engine(self.engine, with_events=False)

    @property
    def _bind(self) -> Engine:
        return self._loops.engine_for(self.engine) if self.is_async else self.engine

    def _session(self) -> Any:
        return Session(self.engine) if self._maker is None else self._maker()

    def _async_session(self) -> AsyncSession:
        from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

        if self._maker is None:
            return AsyncSession(AsyncEngine(self._bind))
        binds: dict[str, Any] = {"bind": AsyncEngine(self._bind)}
        if self._maker.kw.get("binds"):
            # The outbox is in one of these databases, so its rows need the same connection.
            binds["binds"] = {
                key: AsyncEngine(self._loops.engine_for(each.sync_engine))
                for key, each in self._maker.kw["binds"].items()
            }
        made: AsyncSession = self._maker(**binds)
        return made

    def __repr__(self) -> str:
        return f"<EngineDatabase {self.name}>"


def transaction_of(session: Session, bind: Any) -> ReceiverTransaction:
    """Return the transaction of a session that a sync receiver gets, on one of its engines."""
    connection = session.connection(bind_arguments={"bind": bind})
    provided = {"session": session, "connection": connection}
    return ReceiverTransaction(CoreConnection(connection), provided, session)


def _check_commit(session: Session, bind: Any) -> None:
    """Raise if the commit would roll back, because the receiver has passed an error of the database."""
    if not session.is_active:  # the error of a flush
        session.commit()  # raises
    if not session.in_transaction() or bind.dialect.name != "postgresql":
        return
    connection = session.connection(bind_arguments={"bind": bind})
    raw: Any = connection.connection.driver_connection
    try:
        # asyncpg does not say whether its transaction is aborted. PostgreSQL refuses a statement in it.
        if is_aborted(raw) or not hasattr(raw, "info"):
            connection.exec_driver_sql("SELECT 1")
    except DBAPIError as error:
        raise BoundaryError(
            "The receiver has passed an error after which PostgreSQL commits nothing of the transaction. Let "
            "errors of the database leave the receiver, or write in `session.begin_nested()`."
        ) from error


async def atransaction_of(session: AsyncSession, bind: Any) -> ReceiverTransaction:
    """Return the transaction of a session that an async receiver gets, on one of its engines."""
    connection = await session.connection(bind_arguments={"bind": bind})
    provided = {"session": session, "connection": connection}
    return ReceiverTransaction(
        AsyncCoreConnection(connection), provided, session, concurrency.greenlet_spawn
    )


def _spawned(function: Callable[[], Any]) -> Any:
    return concurrency.greenlet_spawn(function)


def _not_an_engine(source: object, given: object, *, is_maker: bool) -> ArgumentError:
    if is_maker:
        return ArgumentError(
            f"EngineDatabase() was given a sessionmaker whose bind is {value_name(given)}. Name the engine "
            f"of the database with the outbox: EngineDatabase(sessions, engine=engine).",
            ["engine"],
        )
    return ArgumentError(
        f"EngineDatabase() was given {value_name(source)}. Give an engine or a sessionmaker, sync or "
        f"async.",
        ["source"],
    )
