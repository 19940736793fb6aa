"""Find out whether an engine begins transactions that may fail to write after they have read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from clarion.integrations.sqlalchemy.outbox.engines import is_always_in_transaction, own_engine
from clarion.outbox.notes import BUSY_CURE

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = logging.getLogger("clarion.worker")


def log_deferred(name: str) -> None:
    """Log a warning of an engine whose transactions begin deferred."""
    logger.warning("The transactions of %s begin deferred. %s", name, BUSY_CURE)


def deferred_message(name: str) -> str:
    """Return what is wrong with an engine whose transactions begin deferred, and the cure."""
    return f"The transactions of {name} begin deferred. {BUSY_CURE}"


def is_deferred(engine: Engine) -> bool:
    """Return whether the transactions of an engine of SQLite begin deferred.

    It begins a transaction to find out. With pysqlite's default, a transaction begins with its first
    write, so it is not deferred.
    """
    if engine.dialect.name != "sqlite":
        return False
    begun: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        begun.append(statement.strip().upper())

    with own_engine(engine).connect() as connection:
        event.listen(connection, "before_cursor_execute", note)
        with connection.begin():
            is_open = is_always_in_transaction(connection.connection.driver_connection)
    return is_open or any(each in _DEFERRED for each in begun)


_DEFERRED = {"BEGIN", "BEGIN DEFERRED", "BEGIN TRANSACTION", "BEGIN DEFERRED TRANSACTION"}
