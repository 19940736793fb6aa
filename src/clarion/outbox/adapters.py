"""The connections of a sender, of each family of drivers, as connections of the outbox.

A family is recognised by its attributes, as `clarion.commit.drivers.choose` does.
"""

from __future__ import annotations

from functools import lru_cache, partial
from inspect import unwrap
from typing import TYPE_CHECKING, Any

from clarion._core import signatures
from clarion._core.names import quoted_name
from clarion.errors import ArgumentError
from clarion.outbox.connection import (
    DbapiConnection,
    has_ended,
    is_aborted,
    is_mariadb,
    plain_cursor,
    plain_rows,
)
from clarion.outbox.statements import in_style, many_in_style

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clarion.outbox.connection import AsyncConnection, Connection, Row

# The top-level package of a driver, and the kind of its database.
_DIALECTS = {
    "sqlite3": "sqlite",
    "aiosqlite": "sqlite",
    "psycopg": "postgresql",
    "psycopg2": "postgresql",
    "pg8000": "postgresql",
    "asyncpg": "postgresql",
    "pymysql": "mysql",
    "MySQLdb": "mysql",
    "mysql": "mysql",
    "aiomysql": "mysql",
    "asyncmy": "mysql",
    "mariadb": "mysql",
}

_STYLES = {"pg8000": "format"}  # of drivers that take no `%(name)s`

# aiomysql fails with PyMySQL 1.2, of which it uses a private function. asyncmy quotes bytes with backslashes, also in
# the mode NO_BACKSLASH_ESCAPES, in which such a text could end early.
_WITHOUT_BYTES = frozenset({"aiomysql", "asyncmy"})


def adapt(connection: Any) -> Connection | AsyncConnection:
    """Return a connection of a driver or of SQLAlchemy, as the outbox uses it.

    An object that has the methods `rows` and `change` itself is returned as it is.

    Raises:
        ArgumentError: if it is no connection of a known driver.
    """
    if hasattr(connection, "rows") and hasattr(connection, "change"):
        return connection  # type: ignore[no-any-return]
    # mypy does not know that a class is hashable.
    kind: Any = type(connection)  # pyright: ignore[reportUnknownVariableType]
    return _adapter_of(kind)(connection)


@lru_cache(maxsize=32)  # a program may create classes
def _adapter_of(kind: type[Any]) -> Callable[[Any], Connection | AsyncConnection]:
    """Return what adapts the connections of a class."""
    if hasattr(kind, "exec_driver_sql"):
        return AsyncCoreConnection if signatures.is_async(kind.exec_driver_sql) else CoreConnection
    driver = _driver_of(kind)
    dialect = _DIALECTS[driver]
    if hasattr(kind, "fetch") and hasattr(kind, "is_in_transaction"):
        return AsyncpgConnection
    if signatures.is_async(unwrap(kind.commit)):
        return partial(AsyncDbapiConnection, dialect=dialect)
    return partial(DbapiConnection, dialect=dialect, style=_STYLES.get(driver))


def is_async_connection(connection: Connection | AsyncConnection) -> bool:
    """Return whether the statements of a connection are awaited."""
    kind: Any = type(connection)
    return _is_async(kind)


@lru_cache(maxsize=32)
def _is_async(kind: type[Any]) -> bool:
    return signatures.is_async(kind.change)


def _driver_of(kind: type[Any]) -> str:
    for each in kind.__mro__:  # also of a subclass by the program
        if (driver := each.__module__.partition(".")[0]) in _DIALECTS:
            return driver
    shown = f"{kind.__module__}.{kind.__qualname__}"
    raise ArgumentError(
        f"No delivery can be stored through an object of {quoted_name(shown)}. Use a connection of "
        f"{', '.join(sorted(_DIALECTS))}, or one of SQLAlchemy.",
        ["connection"],
    )


class CoreConnection:
    """The statements on a Connection of SQLAlchemy.

    Args:
        connection: the Connection.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.dialect = dialect_of_core(connection)
        self._style: str = connection.dialect.paramstyle

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        return [tuple(row) for row in self._execute(name, parameters)]

    def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        return int(self._execute(name, parameters).rowcount)

    def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, once for each row of parameters."""
        if len(rows) == 1:
            self._execute(name, rows[0])
        else:
            self.connection.exec_driver_sql(*many_in_style(self.dialect, self._style, name, rows))

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB, and not MySQL."""
        return bool(getattr(self.connection.dialect, "is_mariadb", False))

    @property
    def takes_bytes(self) -> bool:
        """Whether the driver sends bytes as a parameter."""
        return self.connection.dialect.driver not in _WITHOUT_BYTES

    def has_ended(self) -> bool | None:
        """Return whether the driver's connection is in no transaction that could commit.

        None if the driver does not know.
        """
        return _has_ended(self.connection)

    def _execute(self, name: str, parameters: dict[str, Any]) -> Any:
        text, arguments = in_style(self.dialect, self._style, name, parameters)
        return self.connection.exec_driver_sql(text, arguments)


class AsyncCoreConnection:
    """The statements on an AsyncConnection of SQLAlchemy.

    Args:
        connection: the AsyncConnection.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.dialect = dialect_of_core(connection)
        self._style: str = connection.dialect.paramstyle

    async def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        return [tuple(row) for row in await self._execute(name, parameters)]

    async def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        return int((await self._execute(name, parameters)).rowcount)

    async def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, once for each row of parameters."""
        text, arguments = many_in_style(self.dialect, self._style, name, rows)
        await self.connection.exec_driver_sql(text, arguments if len(rows) > 1 else arguments[0])

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB, and not MySQL."""
        return bool(getattr(self.connection.dialect, "is_mariadb", False))

    @property
    def takes_bytes(self) -> bool:
        """Whether the driver sends bytes as a parameter."""
        return self.connection.dialect.driver not in _WITHOUT_BYTES

    def has_ended(self) -> bool | None:
        """Return whether the driver's connection is in no transaction that could commit.

        None if the driver does not know.
        """
        return _has_ended(self.connection.sync_connection)

    async def _execute(self, name: str, parameters: dict[str, Any]) -> Any:
        text, arguments = in_style(self.dialect, self._style, name, parameters)
        return await self.connection.exec_driver_sql(text, arguments)


class AsyncDbapiConnection:
    """The statements on an async connection of aiosqlite, psycopg, aiomysql or asyncmy.

    Args:
        connection: the connection.
        dialect: the kind of its database.
    """

    def __init__(self, connection: Any, dialect: str) -> None:
        self.connection = connection
        self.dialect = dialect
        self._style = "named" if dialect == "sqlite" else "pyformat"

    async def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        cursor = await self._execute(name, parameters)
        try:
            return plain_rows(await cursor.fetchall())
        finally:
            await cursor.close()

    async def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        cursor = await self._execute(name, parameters)
        changed: int = cursor.rowcount
        await cursor.close()
        return changed

    async def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, once for each row of parameters."""
        cursor = await self._cursor()
        text, arguments = many_in_style(self.dialect, self._style, name, rows)
        if len(rows) == 1:
            await cursor.execute(text, arguments[0])
        else:
            await cursor.executemany(text, arguments)
        await cursor.close()

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB, and not MySQL."""
        return self.dialect == "mysql" and is_mariadb(self.connection)

    @property
    def takes_bytes(self) -> bool:
        """Whether the driver sends bytes as a parameter."""
        modules = {each.__module__.partition(".")[0] for each in type(self.connection).__mro__}
        return modules.isdisjoint(_WITHOUT_BYTES)

    def has_ended(self) -> bool | None:
        """Return whether it is in no transaction that could commit; None if it does not know."""
        return has_ended(self.connection)

    def is_aborted(self) -> bool:
        """Return whether the database has aborted the open transaction after an error."""
        return is_aborted(self.connection)

    async def _execute(self, name: str, parameters: dict[str, Any]) -> Any:
        cursor = await self._cursor()
        await cursor.execute(*in_style(self.dialect, self._style, name, parameters))
        return cursor

    async def _cursor(self) -> Any:
        if self.dialect == "postgresql":
            cursor = plain_cursor(self.connection)
        elif hasattr(cursor := self.connection.cursor(), "__await__"):  # aiosqlite, aiomysql
            cursor = await cursor
        if self.dialect == "sqlite":
            cursor.row_factory = None
        return cursor


class AsyncpgConnection:
    """The statements on a connection of asyncpg, its own or one of a pool.

    Args:
        connection: the connection.
    """

    dialect = "postgresql"

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a statement, and return its rows."""
        text, arguments = in_style(self.dialect, "numeric_dollar", name, parameters)
        return [tuple(row) for row in await self.connection.fetch(text, *arguments)]

    async def change(self, name: str, **parameters: Any) -> int:
        """Run a statement, and return the number of rows that it changed."""
        text, arguments = in_style(self.dialect, "numeric_dollar", name, parameters)
        status: str = await self.connection.execute(text, *arguments)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Run a statement that inserts, once for each row of parameters."""
        text, arguments = many_in_style(self.dialect, "numeric_dollar", name, rows)
        if len(rows) == 1:
            await self.connection.execute(text, *arguments[0])
        else:
            await self.connection.executemany(text, arguments)


def _has_ended(connection: Any) -> bool | None:
    # It is closed after a rollback of its session.
    if connection is None or connection.closed:
        return True
    return has_ended(connection.connection.driver_connection)


def dialect_of_core(connection: Any) -> str:
    """Return the kind of the database of a Connection of SQLAlchemy."""
    name: str = connection.dialect.name
    return "mysql" if name == "mariadb" else name
