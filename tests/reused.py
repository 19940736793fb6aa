"""Databases that the tests of this process use one after another.

A server needs a hundred times longer to create and drop tables than to delete a few rows. So a
database goes from test to test without its rows. If a test has changed its tables or has filled
them, the database is dropped.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from tests.services import MARIADB, POSTGRES

Shape = list[tuple[Any, ...]]

MOST_ROWS = 1000  # the removal of more would leave much for the server to clean up

# Relations with their columns, constraints, triggers and functions.
POSTGRES_SHAPE = """
    SELECT relkind::text, relname::text, reloptions::text, (
        SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || attnotnull, ', '
            ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)
    FROM pg_class c WHERE relnamespace = current_schema()::regnamespace
    UNION ALL SELECT 'constraint', conname::text, pg_get_constraintdef(oid), NULL
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
    UNION ALL SELECT 'trigger', tgname::text, tgenabled::text, NULL
    FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal
    UNION ALL SELECT 'function', proname::text, NULL, NULL
    FROM pg_proc WHERE pronamespace = current_schema()::regnamespace ORDER BY 1, 2
"""
# A table with foreign keys was created after those that they refer to.
POSTGRES_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY oid DESC
"""
POSTGRES_RESTART = """
    SELECT setval(oid::regclass, 1, false) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S'
"""
# A connection that a test has left may hold locks.
POSTGRES_ALONE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
MARIADB_SHAPE = """
    SELECT table_name, column_name, column_type, CONCAT(is_nullable, ordinal_position)
    FROM information_schema.columns WHERE table_schema = DATABASE()
    UNION ALL SELECT table_name, index_name, column_name, CONCAT(non_unique, seq_in_index)
    FROM information_schema.statistics WHERE table_schema = DATABASE()
    UNION ALL SELECT event_object_table, trigger_name, action_statement, ''
    FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1, 2, 3
"""
MARIADB_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"


class Databases(ABC):
    """Databases with the same tables, on one server.

    Args:
        prepare: creates the tables in the database of a name.
    """

    known: ClassVar["list[Databases]"] = []

    def __init__(self, prepare: Callable[[str], None]) -> None:
        self._prepare = prepare
        self._free: list[tuple[str, Shape]] = []
        self.known.append(self)

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Yield the name of a database that has the tables, and no rows."""
        name, shape = self._free.pop() if self._free else self._made()
        try:
            yield name
        finally:
            with closing(self._connect(name)) as connection:
                unchanged = self._shape(connection) == shape and self._emptied(connection)
            if unchanged:
                self._free.append((name, shape))
            else:
                self._drop(name)

    @contextmanager
    def new(self) -> Iterator[str]:
        """Yield the name of a new database without tables, and drop it."""
        name = self._created()
        try:
            yield name
        finally:
            self._drop(name)

    def drop_free(self) -> None:
        """Drop the databases that no test uses."""
        while self._free:
            self._drop(self._free.pop()[0])

    def _made(self) -> tuple[str, Shape]:
        name = self._created()
        self._prepare(name)
        with closing(self._connect(name)) as connection:
            return name, self._shape(connection)

    def _created(self) -> str:
        name = f"clarion_{secrets.token_hex(6)}"
        with closing(self._connect()) as connection:
            execute(connection, f"CREATE {self.kind} {name}")
        return name

    def _drop(self, name: str) -> None:
        with closing(self._connect()) as connection:
            execute(connection, f"DROP {self.kind} {name} {self.force}")

    def _shape(self, connection: Any) -> Shape:
        return execute(connection, self.shape)

    def _emptied(self, connection: Any) -> bool:
        """Delete all rows; return whether they were few."""
        tables = [name for (name,) in execute(connection, self.tables)]
        cursor = connection.cursor()
        found = 0
        for statement in self.settings:
            cursor.execute(statement)
        for name in tables:
            cursor.execute(f"DELETE FROM {name}")  # noqa: S608
            found += cursor.rowcount
        cursor.close()
        return found <= MOST_ROWS

    kind: str
    force: str = ""
    shape: str
    tables: str
    settings: tuple[str, ...] = ()

    @abstractmethod
    def _connect(self, name: str | None = None) -> Any:
        """Connect in autocommit mode, to the database of a name."""


class PostgresSchemas(Databases):
    """Schemas in the database of PostgreSQL."""

    kind, force = "SCHEMA", "CASCADE"
    shape, tables = POSTGRES_SHAPE, POSTGRES_TABLES
    settings = (POSTGRES_RESTART,)

    def _connect(self, name: str | None = None) -> Any:
        psycopg = pytest.importorskip("psycopg")
        options = f"-c search_path={name}" if name else ""
        return psycopg.connect(POSTGRES.url(), autocommit=True, options=options)


class PostgresDatabases(Databases):
    """Databases of PostgreSQL."""

    kind, force = "DATABASE", "WITH (FORCE)"
    shape, tables = POSTGRES_SHAPE, POSTGRES_TABLES
    settings = (POSTGRES_ALONE, POSTGRES_RESTART)

    def _connect(self, name: str | None = None) -> Any:
        psycopg = pytest.importorskip("psycopg")
        return psycopg.connect(
            POSTGRES.url(), autocommit=True, **({"dbname": name} if name else {})
        )


class MariadbDatabases(Databases):
    """Databases of MariaDB."""

    kind = "DATABASE"
    shape, tables = MARIADB_SHAPE, MARIADB_TABLES
    settings = ("SET foreign_key_checks = 0",)

    def _connect(self, name: str | None = None) -> Any:
        pymysql = pytest.importorskip("pymysql")
        return pymysql.connect(database=name, autocommit=True, **mariadb_account())


def mariadb_account() -> dict[str, Any]:
    """Return the options with which PyMySQL connects to MariaDB."""
    parts = urlsplit(MARIADB.url())
    return {
        "host": parts.hostname,
        "port": parts.port or 3306,
        "user": parts.username,
        "password": parts.password or "",
    }


def execute(connection: Any, statement: str) -> Shape:
    """Return the rows of a statement."""
    cursor = connection.cursor()
    cursor.execute(statement)
    found = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
    cursor.close()
    return found
