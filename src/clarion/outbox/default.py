"""The database for sends that are in no transaction of a database."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from clarion.errors import BoundaryError
from clarion.outbox.database import check_database
from clarion.outbox.pool import Pool

if TYPE_CHECKING:
    from clarion.outbox.database import Database


class Writer(Pool):
    """Stores deliveries in short transactions, on connections of its own.

    Args:
        database: the database.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database.connect)
        self.database = database


_writer: list[Writer | None] = [None]


def use_database(database: Database | None) -> Database | None:
    """Set where to store the deliveries of sends that are in no transaction of a database.

    Such a send is written in a short transaction of its own. Call it once, where the program starts.

        use_database(open_database("sqlite:///outbox.db"))

    Args:
        database: the database; None to refuse such sends.

    Returns:
        The previous one, so that a test can restore it.

    Raises:
        ArgumentError: if it is not a database, for example a URL.
    """
    if database is not None:
        check_database(database, "use_database()")
    before, _writer[0] = _writer[0], None if database is None else Writer(database)
    if before is None:
        return None
    before.close()
    return before.database


def default_writer() -> Writer | None:
    """Return what stores the sends that are in no transaction of a database, or None."""
    return _writer[0]


def required_writer() -> Writer:
    """Return what stores the sends that are in no transaction of a database.

    Raises:
        BoundaryError: if no database was set.
    """
    found = _writer[0]
    if found is None:
        raise BoundaryError(
            "A signal with durable receivers was sent outside of any database. Send it in a "
            "transaction, which is a block of `atomic(connection)`, or `bound(session)` with SQLAlchemy. Or "
            "set a database: clarion.outbox.use_database(open_database('sqlite:///outbox.db'))."
        )
    return found


def _close() -> None:
    if (writer := _writer[0]) is not None:
        writer.close()


atexit.register(_close)
