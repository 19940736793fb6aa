"""An outbox in MariaDB or MySQL, through PyMySQL alone.

    database = open_database("mysql://user@host/shop")

`clarion.outbox.open_database` returns the same database for such a URL.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from clarion._core.names import quoted_name
from clarion.errors import MissingExtraError
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.open import UrlDatabase

try:
    import pymysql  # type: ignore[import-untyped]
except ImportError as error:
    raise MissingExtraError.because(error, "pymysql", "pymysql") from error

__all__ = ["PymysqlDatabase", "open_database"]


class PymysqlDatabase(UrlDatabase):
    """A database of MariaDB or MySQL.

    Args:
        url: its URL, `mysql://user:password@host:port/database`.
        **options: more options for `pymysql.connect`.
    """

    dialect = "mysql"

    def __init__(self, url: str, **options: Any) -> None:
        parts = urlsplit(url)
        database = unquote(parts.path.lstrip("/"))
        self.name = f"MariaDB's database {quoted_name(database)}"
        self._options: dict[str, Any] = {
            "host": parts.hostname or "127.0.0.1",
            "port": parts.port or 3306,
            "user": None if parts.username is None else unquote(parts.username),
            "password": unquote(parts.password or ""),
            "database": database,
            "charset": "utf8mb4",
            **options,
        }

    def connect(self) -> DbapiConnection:
        """Open a connection in autocommit mode."""
        connection: Any = pymysql.connect(autocommit=True, **self._options)
        with connection.cursor() as cursor:
            # With REPEATABLE READ, a claim would lock the gaps between rows, and wait for senders.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return DbapiConnection(connection, "mysql")


def open_database(url: str) -> PymysqlDatabase:
    """Return the database of a URL."""
    return PymysqlDatabase(url)
