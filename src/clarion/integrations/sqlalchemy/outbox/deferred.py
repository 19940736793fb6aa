"""Find out whether an engine begins transactions that may fail to write after they have read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from clarion.integrations.sqlalchemy.outbox.engines import own_engine
from clarion.outbox.notes import BUSY_CURE

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = logging.getLogger("clarion.worker")


def warn_of_deferred(engine: Engine, name: str) -> None:
    """Log a warning if the transactions of an engine of SQLite begin deferred.

    Args:
        engine: the engine. With pysqlite's default, a transaction begins with its first write, so
            there is nothing to warn of.
        name: how messages name the database.
    """
    if engine.dialect.name == "sqlite" and _is_deferred(engine):
        logger.warning("The transactions of %s begin deferred. %s", name, BUSY_CURE)


def _is_deferred(engine: Engine) -> bool:
    begun: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        begun.append(statement.strip().upper())

    with own_engine(engine).connect() as connection:
        event.listen(connection, "before_cursor_execute", note)
        with connection.begin():
            driver: Any = connection.connection.driver_connection
            driver = getattr(driver, "_conn", driver)  # that of sqlite3 inside one of aiosqlite
            is_open = getattr(driver, "autocommit", None) is False  # Python 3.12
    return is_open or any(each in _DEFERRED for each in begun)


_DEFERRED = {"BEGIN", "BEGIN DEFERRED", "BEGIN TRANSACTION", "BEGIN DEFERRED TRANSACTION"}
