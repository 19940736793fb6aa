"""The statements of the outbox on a connection of Django's."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connections

from clarion.integrations.django.dispatch.policy import DJANGO
from clarion.integrations.django.outbox.notes import add_note
from clarion.integrations.django.outbox.vendors import dialect_of, is_mariadb
from clarion.outbox.connection import has_ended, is_aborted
from clarion.outbox.statements import pyformat

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import Self

    from clarion.outbox.connection import Row


class DjangoConnection:
    """Runs statements on this thread's connection to a database, in its open transaction.

    Errors are Django's, like those of a query, so that `transaction.atomic` rolls back.

    Args:
        alias: the name of the database in Django's settings.

    Attributes:
        alias: the name.
        dialect: the kind of database.
        is_mariadb: whether it is open to MariaDB.
    """

    def __init__(self, alias: str) -> None:
        connection = connections[alias]
        self.alias = alias
        self.dialect = dialect_of(connection)
        self.is_mariadb = is_mariadb(connection)
        self._blocks = len(connection.savepoint_ids)

    @property
    def connection(self) -> Any:
        """Django's connection."""
        return connections[self.alias]

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        with self._cursor() as cursor:
            cursor.execute(pyformat(self.dialect)[name], parameters)
            return list(cursor.fetchall())

    def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        with self._cursor() as cursor:
            cursor.execute(pyformat(self.dialect)[name], parameters)
            changed: int = cursor.rowcount
            return changed

    def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, once for each row of parameters."""
        connection = self.connection
        try:
            with connection.cursor() as cursor:
                if len(rows) == 1:
                    cursor.execute(pyformat(self.dialect)[name], rows[0])
                else:
                    cursor.executemany(pyformat(self.dialect)[name], rows)
        except DatabaseError as error:
            add_note(error, connection)
            raise

    def has_ended(self) -> bool | None:
        """Return whether leaving the atomic block would not commit.

        It will be rolled back, or was left, or has another block inside it that is still open, or its
        transaction has ended. None if the driver does not know.
        """
        connection = self.connection
        is_inside = len(connection.savepoint_ids) > self._blocks
        if connection.needs_rollback or is_inside or not connection.in_atomic_block:
            return True
        return has_ended(connection.connection)

    def is_aborted(self) -> bool:
        """Return whether leaving the atomic block will roll it back, because of an error."""
        return bool(self.connection.needs_rollback) or is_aborted(self.connection.connection)

    @contextmanager
    def _cursor(self) -> Generator[Any]:
        connection = self.connection
        try:
            with connection.cursor() as cursor:
                yield cursor
        except DatabaseError as error:
            add_note(error, connection)
            raise


class JoinedConnection(DjangoConnection):
    """The connection of an open atomic block, as a context manager that yields itself.

    If the context raises, the atomic block cannot be committed, as after
    `transaction.atomic(savepoint=False)`. Unlike that, it does not look the connection up again.

    Args:
        connection: Django's connection, which belongs to this thread.
    """

    connection: Any = None

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.alias = connection.alias
        self.dialect = dialect_of(connection)
        self.is_mariadb = self.dialect == "mysql" and is_mariadb(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is not None and not self.connection.closed_in_transaction:
            self.connection.needs_rollback = True


class AsyncDjangoConnection:
    """Runs statements in the thread that holds the connection, like `DjangoConnection`.

    Args:
        connection: the connection, which was created in that thread.

    Attributes:
        alias: the name of the database in Django's settings.
        dialect: the kind of database.
        is_mariadb: whether it is open to MariaDB.
    """

    def __init__(self, connection: DjangoConnection) -> None:
        self._connection = connection
        self.alias = connection.alias
        self.dialect = connection.dialect
        self.is_mariadb = connection.is_mariadb

    async def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        return await DJANGO.run_in_thread(partial(self._connection.rows, name, **parameters))

    async def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        return await DJANGO.run_in_thread(partial(self._connection.change, name, **parameters))

    async def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, once for each row of parameters."""
        await DJANGO.run_in_thread(partial(self._connection.insert, name, rows))

    async def ahas_ended(self) -> bool | None:
        """Return whether the atomic block will be rolled back, or its transaction has ended."""
        return await DJANGO.run_in_thread(self._connection.has_ended)

    async def ais_aborted(self) -> bool:
        """Return whether the atomic block will be rolled back, because of an error."""
        return await DJANGO.run_in_thread(self._connection.is_aborted)
