"""The database from which the carrier loads rows, and to which receivers write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.commit.providers import providers
from clarion.errors import BoundaryError
from clarion.outbox.default import default_writer

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.database import Database, ReceiverTransaction


class NoDatabase:
    """Replaces the database in a program that has set none: it refuses connections."""

    name = "no database"
    dialect = ""
    provides = ("connection", "session")
    loads_in_transaction = False

    def connect(self) -> WorkerConnection:
        """Refuse a connection."""
        raise _refusal()

    def transaction(self) -> AbstractContextManager[ReceiverTransaction]:
        """Refuse a transaction."""
        raise _refusal()

    def atransaction(self) -> AbstractAsyncContextManager[ReceiverTransaction]:
        """Refuse a transaction."""
        raise _refusal()


_NONE = NoDatabase()


def database_of(options: Any) -> Database:
    """Return the database for the calls of a receiver.

    It is the database that `clarion.outbox.use_database` has set. Without one, a framework provides it.
    In a Django project it is the database of the option `using` or `database`, or the default one. With
    SQLAlchemy it is that of a bound session, or of the engine with this alias, by default "default".

    Args:
        options: the options of the receiver's delivery.
    """
    if (writer := default_writer()) is not None:
        return writer.database
    for provider in providers():
        found: Database | None = provider.receiver_database(_alias_of(options))
        if found is not None:
            return found
    return _NONE


async def adatabase_of(options: Any) -> Database:
    """Return the same for a coroutine, in which a test may use the connection of an AsyncSession."""
    if (writer := default_writer()) is not None:
        return writer.database
    for provider in providers():
        found: Database | None = await provider.areceiver_database(_alias_of(options))
        if found is not None:
            return found
    return _NONE


def _alias_of(options: Any) -> str | None:
    alias: str | None = getattr(options, "using", None) or getattr(options, "database", None)
    return alias


def _refusal() -> BoundaryError:
    return BoundaryError(
        "A receiver in the background requests a session or a connection, and the worker has no database. "
        "Set one where it starts: clarion.outbox.use_database(open_database(url))."
    )
