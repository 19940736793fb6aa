"""Engines of a worker: like the program's, with connections of their own.

A worker keeps its connections, so those of the program's pool would run out. And the connections
of an async engine belong to one event loop, which is not the worker's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

MOST_IDLE = 5  # connections of one event loop


def own_engine(engine: Engine, *, with_events: bool = True, keeps_idle: bool = False) -> Engine:
    """Return an engine to the same database, with a pool of its own.

    Args:
        engine: the engine of the program.
        with_events: whether to call the listeners of its statements and transactions. Those of its
            connections are always called.
        keeps_idle: whether its pool keeps connections that are not in use. It does not if the program's
            own pool keeps none.
    """
    pool: Any = engine.pool
    kind: Any = AsyncAdaptedQueuePool if keeps_idle and not isinstance(pool, NullPool) else NullPool
    # No limit: a receiver that waited for a connection for too long would count as failed.
    sizes: dict[str, Any] = {} if kind is NullPool else {"pool_size": MOST_IDLE, "max_overflow": -1}
    own_pool: Any = kind(
        pool._creator,
        recycle=pool._recycle,
        pre_ping=pool._pre_ping,
        reset_on_return=pool._reset_on_return,
        dialect=engine.dialect,
        _dispatch=pool.dispatch,
        **sizes,
    )
    made: Any = Engine(
        own_pool,
        engine.dialect,
        engine.url,
        echo=bool(engine.echo),
        execution_options=engine.get_execution_options(),
        hide_parameters=engine.hide_parameters,
    )
    if with_events:
        made.dispatch = made.dispatch._join(engine.dispatch)
        made._has_events = getattr(engine, "_has_events", False)
    made._proxied = engine  # it has the same alias
    return made  # type: ignore[no-any-return]


def is_in_memory(engine: Engine) -> bool:
    """Return whether an engine is that of a SQLite database in memory."""
    if engine.dialect.name != "sqlite":
        return False
    name = engine.url.database or ":memory:"
    return name == ":memory:" or "mode=memory" in name or engine.url.query.get("mode") == "memory"


def commit_each_statement(driver: Any) -> None:
    """Let a connection of sqlite3 begin no transaction by itself, as AUTOCOMMIT of SQLAlchemy should."""
    if is_always_in_transaction(driver):
        driver.autocommit = True


def is_always_in_transaction(driver: Any) -> bool:
    """Return whether a connection of sqlite3 or aiosqlite begins a transaction after the end of each.

    SQLAlchemy's AUTOCOMMIT does not change this mode, `autocommit=False`, which is new in Python 3.12.
    """
    return getattr(getattr(driver, "_conn", driver), "autocommit", None) is False
