"""The protocol of a database with an outbox, as a worker uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from clarion._core.names import value_name
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from clarion.outbox.connection import AsyncConnection, Connection, WorkerConnection


@dataclass(slots=True)
class ReceiverTransaction:
    """The transaction in which a worker calls one receiver.

    Attributes:
        connection: runs the settlement of the row in the transaction; None if the transaction
            is not one of the outbox's database.
        provided: what the receiver gets if it has such parameters: `session` or `connection`.
        session: what loads the references in the payload; see `ReferenceKind.load`.
        run_sync: for an async session: runs the sync function that decodes the payload, and is
            awaited. None if that function can be called directly.
    """

    connection: Connection | AsyncConnection | None = None
    provided: dict[str, Any] = field(default_factory=dict[str, Any])
    session: Any = None
    run_sync: Callable[[Callable[[], Any]], Awaitable[Any]] | None = None


class Database(Protocol):
    """A database with an outbox: how a worker connects to it, and where receivers write.

    `clarion.outbox.open_database` returns one for a URL. The integrations with Django and
    SQLAlchemy have their own.

    A database may have `serving_thread()` and `serving_task()` too. They return a context manager, and
    an async one, that a worker enters around the calls of a thread, and around an async call without a
    transaction. It may have `end_call()`, which a worker calls in the thread after each sync call
    without a transaction, and which raises if the receiver has left a transaction open. After a call
    that has failed, the worker calls `end_failed_call()`.

    A database may have `warn_at_start()`, which logs warnings about its settings.

    A database may have `check_rows(arguments)`, which raises BoundaryError if its workers cannot load an
    object among the arguments of a send.

    A database may have `listening(wake)`: a context manager that calls `wake` after commits of other
    processes that store deliveries. It only saves the worker a wait.
    """

    @property
    def name(self) -> str:
        """How messages name it, without its password."""
        ...

    @property
    def dialect(self) -> str:
        """The kind of database: "sqlite", "postgresql" or "mysql"."""
        ...

    @property
    def provides(self) -> tuple[str, ...]:
        """The names of the arguments that its transactions provide to receivers."""
        ...

    def connect(self) -> WorkerConnection:
        """Open a connection for claims and settlements, in autocommit mode."""
        ...

    def transaction(self) -> AbstractContextManager[ReceiverTransaction]:
        """Return the transaction in which a sync receiver is called.

        It commits at the end of the block, and rolls back if the block raises.
        """
        ...

    def atransaction(self) -> AbstractAsyncContextManager[ReceiverTransaction]:
        """Return the transaction in which an async receiver is awaited."""
        ...


def check_database(database: object, function: str) -> None:
    """Refuse an object that is not a database, such as its URL.

    Args:
        database: the object.
        function: the name of the function that it was given to.

    Raises:
        ArgumentError: if it lacks an attribute of databases.
    """
    if not hasattr(database, "provides"):
        raise ArgumentError(
            f"{function} was given {value_name(database)}, which is not a database with an outbox. Give "
            f"one, such as clarion.outbox.open_database('sqlite:///outbox.db').",
            ["database"],
        )
