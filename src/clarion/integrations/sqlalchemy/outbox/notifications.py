"""Notifications of PostgreSQL on the connections of an engine."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from sqlalchemy.util import concurrency

from clarion.integrations.sqlalchemy.outbox.connections import (
    AsyncEngineConnection,
    EngineConnection,
    LoopThread,
)
from clarion.worker.notifications import NOTIFY, can_wait, listening, listening_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


def engine_listening(
    engine: Engine, thread: LoopThread | None, wake: Callable[[], object], name: str
) -> AbstractContextManager[None]:
    """Call a function after commits that store deliveries, while the block runs.

    It does nothing if the driver is not psycopg or asyncpg.

    Args:
        engine: an engine without a pool.
        thread: the thread for the connections of an async engine; None if the engine is sync.
        wake: the function, called in another thread. It must return at once.
        name: how messages name the database.
    """
    module: Any = engine.dialect.loaded_dbapi
    if thread is None:
        return listening(module, partial(EngineConnection, engine), wake, name)
    driver: Any = getattr(module, "psycopg", None)
    if engine.driver == "asyncpg":
        driver = module.asyncpg
        interruptions = (
            OSError,
            driver.InterfaceError,  # a closed connection
            driver.PostgresConnectionError,
            driver.OperatorInterventionError,  # the server stops
            driver.InsufficientResourcesError,  # too many connections
        )
        connect = partial(_AsyncpgConnection, engine, thread)
        return listening_to(connect, wake, name, interruptions)
    if not can_wait(driver):
        return nullcontext()
    return listening_to(
        partial(_PsycopgConnection, engine, thread), wake, name, (driver.OperationalError,)
    )


class _AsyncConnection(AsyncEngineConnection):
    """The part that asyncpg and psycopg have in common."""

    def listen(self) -> None:
        self._execute("LISTEN clarion")

    def notify(self) -> None:
        self._execute(NOTIFY)

    def select(self, query: str) -> list[Any]:
        return self._thread.run(lambda: self._opened.exec_driver_sql(query).fetchall())  # type: ignore[no-any-return]


class _PsycopgConnection(_AsyncConnection):
    @property
    def process(self) -> int:
        return self._driver_connection.info.backend_pid  # type: ignore[no-any-return]

    def wait(self, seconds: float) -> bool:
        async def comes() -> bool:
            async for _ in self._driver_connection.notifies(timeout=seconds, stop_after=1):
                return True
            return False

        return bool(self._thread.run(lambda: concurrency.await_only(comes())))


class _AsyncpgConnection(_AsyncConnection):
    def __init__(self, engine: Engine, thread: LoopThread) -> None:
        super().__init__(engine, thread)
        self._notified: SimpleQueue[bool] = SimpleQueue()

    @property
    def process(self) -> int:
        return self._driver_connection.get_server_pid()  # type: ignore[no-any-return]

    def listen(self) -> None:
        raw = self._driver_connection
        raw.add_termination_listener(self._on_end)
        self._thread.run(
            lambda: concurrency.await_only(raw.add_listener("clarion", self._on_notification))
        )

    def _on_notification(self, *_: object) -> None:
        self._notified.put(True)  # noqa: FBT003

    def _on_end(self, _: object) -> None:
        self._notified.put(False)  # noqa: FBT003

    def wait(self, seconds: float) -> bool:
        try:
            is_notification = self._notified.get(timeout=seconds)
        except Empty:
            return False
        if not is_notification:
            raise ConnectionError
        return True
