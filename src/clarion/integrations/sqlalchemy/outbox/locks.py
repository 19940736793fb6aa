"""Whether the open transaction of a session keeps other connections to a SQLite file from writing.

The session and `drain` run in the same thread, so the lock would not be released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.integrations.sqlalchemy.outbox.engines import (
    commit_each_statement,
    is_in_memory,
    own_engine,
)
from clarion.outbox.locks import locks

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import Session


def blocks(session: Session, engine: Engine) -> bool:
    """Return whether the transaction of a session keeps other connections to its engine from writing.

    Args:
        session: the session.
        engine: one of its engines.
    """
    return any(_locks(each, engine) for each in _begun(session, engine))


def _begun(session: Session, engine: Engine) -> Generator[Connection]:
    """Yield the session's connections to the engine on which the driver has begun a transaction."""
    transaction = session.get_transaction()
    if transaction is None or engine.dialect.name != "sqlite":
        return
    for each in {*transaction._connections.values()}:
        connection: Connection = each[0]
        driver: Any = connection.connection.driver_connection
        if connection.engine.pool is engine.pool and driver.in_transaction:
            yield connection


def _locks(connection: Connection, engine: Engine) -> bool:
    """Return whether a connection in a transaction keeps others from writing."""
    if is_in_memory(engine):
        return True  # both share one connection of the driver, which is in one transaction
    driver: Any = connection.connection.driver_connection
    return locks(driver, lambda: _open(engine))


def _open(engine: Engine) -> Any:
    opened: Any = own_engine(engine, with_events=False).raw_connection()
    commit_each_statement(opened.driver_connection)
    return opened
