"""A connection on which the statements of the outbox run."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from clarion.outbox.statements import in_style, many_in_style

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from contextlib import AbstractContextManager

    Row = tuple[Any, ...]


# IMMEDIATE: otherwise SQLite refuses a write in a transaction that has read, if another transaction has
# written since. In the mode ORACLE of MariaDB, BEGIN begins a block of statements.
BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN", "mysql": "START TRANSACTION"}

_IN_TRANSACTION = 1  # SERVER_STATUS_IN_TRANS of MySQL's protocol
_ABORTED = 3  # of libpq
_WITHOUT_TRANSACTION = {0, _ABORTED, 4}  # idle, aborted and closed


class Connection(Protocol):
    """Runs statements in the transaction that is open on the connection."""

    @property
    def dialect(self) -> str:
        """The kind of database: "sqlite", "postgresql" or "mysql"."""
        ...

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        ...

    def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        ...

    def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, once for each row of parameters.

        If there are several, each parameter is in VALUES: the drivers of MySQL write one INSERT of them.
        """
        ...


class AsyncConnection(Protocol):
    """Runs statements in the transaction that is open on an async connection."""

    @property
    def dialect(self) -> str:
        """The kind of database: "sqlite", "postgresql" or "mysql"."""
        ...

    async def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        ...

    async def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        ...

    async def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, as the method of `Connection`."""
        ...


class WorkerConnection(Connection, Protocol):
    """A connection that the worker itself has opened."""

    def transaction(self) -> AbstractContextManager[None]:
        """Begin a transaction, and commit it, or roll it back if the block raises."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class DbapiConnection:
    """The statements on a connection of sqlite3, psycopg or PyMySQL.

    Args:
        connection: the connection.
        dialect: the kind of its database.
        style: the `paramstyle` of the driver; None for the one of sqlite3, psycopg and PyMySQL.
    """

    def __init__(self, connection: Any, dialect: str, style: str | None = None) -> None:
        self.connection = connection
        self.dialect = dialect
        self._style = style or ("named" if dialect == "sqlite" else "pyformat")

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        cursor = plain_cursor(self.connection)
        try:
            cursor.execute(*in_style(self.dialect, self._style, name, parameters))
            return plain_rows(cursor.fetchall())
        finally:
            cursor.close()

    def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(*in_style(self.dialect, self._style, name, parameters))
            changed: int = cursor.rowcount
            return changed
        finally:
            cursor.close()

    def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, once for each row of parameters."""
        cursor = self.connection.cursor()
        try:
            text, arguments = many_in_style(self.dialect, self._style, name, rows)
            if len(rows) == 1:
                cursor.execute(text, arguments[0])
            else:
                cursor.executemany(text, arguments)
        finally:
            cursor.close()

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB, and not MySQL."""
        return self.dialect == "mysql" and is_mariadb(self.connection)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Begin a transaction, and commit it, or roll it back if the block raises.

        The connection must be in autocommit mode, as `open_sqlite` returns it.
        """
        self._execute(BEGIN[self.dialect])
        try:
            yield
        except BaseException:
            # SQLite has rolled back by itself if the disk is full. A lost connection fails again.
            with suppress(Exception):
                self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")

    def has_ended(self) -> bool | None:
        """Return whether the transaction that was begun is not open any more, or was aborted.

        None if the driver does not know.
        """
        return has_ended(self.connection)

    def is_aborted(self) -> bool:
        """Return whether the database has aborted the open transaction after an error."""
        return is_aborted(self.connection)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _execute(self, statement: str) -> None:
        cursor = self.connection.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()


def plain_cursor(raw: Any) -> Any:
    """Return a cursor whose rows are tuples, whatever the connection's own row factory is."""
    if getattr(raw, "row_factory", None) is None:  # also PyMySQL, which has none
        return raw.cursor()
    if hasattr(raw, "info"):  # psycopg
        return raw.cursor(row_factory=_tuple_row)
    cursor = raw.cursor()  # sqlite3
    cursor.row_factory = None
    return cursor


def _tuple_row(_: object) -> type[Row]:
    return tuple


def plain_rows(rows: Sequence[Any]) -> list[Row]:
    """Return rows as tuples; the cursor of PyMySQL may make dictionaries."""
    if rows and isinstance(rows[0], dict):
        return [tuple(row.values()) for row in rows]
    return list(rows)


def is_mariadb(raw: Any) -> bool:
    """Return whether a connection of a driver for MySQL is to MariaDB.

    It is False for a driver, or a proxy, that does not say so.
    """
    version = getattr(raw, "server_info", None)  # a deprecated method has the other name
    if type(version) is not str and (asks := getattr(raw, "get_server_info", None)) is not None:
        version = asks()
    return "mariadb" in str(version).lower()


def is_aborted(raw: Any) -> bool:
    """Return whether PostgreSQL has aborted the open transaction after an error.

    It is False for a driver that does not know.
    """
    status = getattr(getattr(raw, "info", None), "transaction_status", None)
    return bool(status == _ABORTED)


def has_ended(raw: Any) -> bool | None:
    """Return whether a connection of a driver is in no transaction that a COMMIT would commit.

    A closed connection is in none. It is None for a driver that does not know.
    """
    try:
        return _has_ended(raw)
    except Exception:  # noqa: BLE001  # sqlite3 and others refuse to answer once they are closed
        return True


def _has_ended(raw: Any) -> bool | None:
    status = getattr(getattr(raw, "info", None), "transaction_status", None)
    if status is not None:
        return status in _WITHOUT_TRANSACTION  # psycopg, and psycopg2, whose status is a number
    if type(is_open := getattr(raw, "in_transaction", None)) is bool:  # sqlite3, aiosqlite
        return not is_open
    if (asks := getattr(raw, "is_in_transaction", None)) is not None:  # asyncpg
        return not asks()
    is_closed = not getattr(raw, "open", True)  # the drivers of MySQL
    flags = getattr(raw, "server_status", None)  # PyMySQL
    if type(flags) is not int:
        return is_closed or None  # mysqlclient, pg8000
    if is_closed or not flags & _IN_TRANSACTION:
        return True
    # asyncmy does not read the status after a ROLLBACK that was executed as a statement.
    return None if type(raw).__module__.startswith("asyncmy") else False
