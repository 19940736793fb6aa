"""SQLite as SQLAlchemy's manual advises for savepoints."""

from typing import Any


def begin_before_savepoints(engine: Any) -> None:
    """Let an engine begin with BEGIN, which the driver omits before a savepoint.

    Without it the release of a savepoint commits. Foreign keys are checked, too.
    """
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def begin_nothing(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")
