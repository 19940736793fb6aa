"""An outbox in PostgreSQL, through psycopg 3 alone.

database = open_database("postgresql://user@host/shop")
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from clarion._core.names import quoted_name
from clarion.errors import MissingExtraError
from clarion.outbox.adapters import AsyncDbapiConnection
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.database import ReceiverTransaction
from clarion.outbox.open import UrlDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

try:
    import psycopg
except ImportError as error:
    raise MissingExtraError.because(error, "psycopg", "psycopg") from error

__all__ = ["PsycopgDatabase", "open_database"]


class PsycopgDatabase(UrlDatabase):
    """A database of PostgreSQL.

    Args:
        url: its URL, as libpq takes it.
        **options: more options for `psycopg.connect`.
    """

    dialect = "postgresql"

    def __init__(self, url: str, **options: Any) -> None:
        parts = urlsplit(url)
        self._url = urlunsplit(parts._replace(scheme="postgresql"))
        self._options = options
        self.name = f"PostgreSQL's database {quoted_name(parts.path.lstrip('/'))}"

    def connect(self) -> DbapiConnection:
        """Open a connection in autocommit mode."""
        options: dict[str, Any] = {"application_name": "clarion", **self._options}
        return DbapiConnection(psycopg.connect(self._url, autocommit=True, **options), "postgresql")

    @asynccontextmanager
    async def atransaction(self) -> AsyncGenerator[ReceiverTransaction]:
        """Return the transaction in which an async receiver is awaited, on an `AsyncConnection`."""
        options: dict[str, Any] = {"application_name": "clarion", **self._options}
        raw = await psycopg.AsyncConnection.connect(self._url, autocommit=True, **options)
        async with raw, raw.transaction():
            connection = AsyncDbapiConnection(raw, "postgresql")
            yield ReceiverTransaction(connection, {"connection": raw}, raw)


def open_database(url: str) -> PsycopgDatabase:
    """Return the database of a URL."""
    return PsycopgDatabase(url)
