"""An outbox in PostgreSQL, through psycopg 3 alone.

    database = open_database("postgresql://user@host/shop")

`clarion.outbox.open_database` returns the same database for such a URL.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from clarion._core.names import quoted_name
from clarion.commit.run import arun_calls, drop_calls
from clarion.errors import MissingExtraError
from clarion.outbox.adapters import AsyncDbapiConnection
from clarion.outbox.async_pool import AsyncPool
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.database import ReceiverTransaction
from clarion.outbox.open import UrlDatabase
from clarion.outbox.per_loop import PerLoop
from clarion.outbox.receiver_boundary import receiver_boundary
from clarion.outbox.urls import not_a_url, split_url, unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractContextManager

    from clarion.commit import PendingCall

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
    from psycopg.rows import tuple_row
except ImportError as error:
    raise MissingExtraError.because(error, "psycopg", "psycopg") from error

__all__ = ["PsycopgDatabase", "open_database"]

# A pooler invents the number of the process that it gives to its clients.
_PROCESS = "SELECT pg_backend_pid()"

_UNKNOWN_OPTION = re.compile(r'invalid URI query parameter: "(\w+)"')


class PsycopgDatabase(UrlDatabase):
    """A database of PostgreSQL.

    Args:
        url: its URL, as libpq takes it.
        **options: more options for `psycopg.connect`.

    Raises:
        ArgumentError: if libpq cannot read the URL.
    """

    dialect = "postgresql"

    def __init__(self, url: str, **options: Any) -> None:
        self._url = _conninfo(url)
        self._options: dict[str, Any] = {"application_name": "clarion", **options}
        self._is_pooled: bool | None = None  # known after the first connection
        self._pools = PerLoop(lambda: AsyncPool(self._aconnect))
        found = options.get("dbname") or conninfo_to_dict(self._url).get("dbname")
        self.name = (
            f"PostgreSQL's database {quoted_name(found)}"
            if found
            else "PostgreSQL's default database"
        )

    def connect(self) -> DbapiConnection:
        """Open a connection in autocommit mode."""
        raw = psycopg.connect(self._url, autocommit=True, **self._options)
        try:
            if self._is_pooled is None:
                (process,) = raw.cursor(row_factory=tuple_row).execute(_PROCESS).fetchone() or (0,)
                self._is_pooled = process != raw.info.backend_pid
            self._prepare_nothing_if_pooled(raw)
        except BaseException:
            raw.close()
            raise
        return DbapiConnection(raw, "postgresql")

    def _prepare_nothing_if_pooled(self, raw: psycopg.Connection | psycopg.AsyncConnection) -> None:
        # Another client may have prepared another statement by this name in the connection of the server.
        if self._is_pooled and "prepare_threshold" not in self._options:
            raw.prepare_threshold = None

    def listening(self, wake: Callable[[], object]) -> AbstractContextManager[None]:
        """Call a function after commits that store deliveries, while the block runs.

        PostgreSQL sends notifications if the tables were created with `notify=True`.

        Args:
            wake: the function, called in another thread. It must return at once.
        """
        from clarion.worker.notifications import listening

        return listening(psycopg, self.connect, wake, self.name)

    @asynccontextmanager
    async def atransaction(self) -> AsyncGenerator[ReceiverTransaction]:
        """Return the transaction in which an async receiver is awaited, on an `AsyncConnection`."""
        calls: list[PendingCall] = []
        try:
            async with self._pools.get().transaction() as raw:
                connection = AsyncDbapiConnection(raw, "postgresql")
                with receiver_boundary(connection, calls):
                    yield ReceiverTransaction(connection, {"connection": raw}, raw)
        except BaseException:
            drop_calls(calls)
            raise
        await arun_calls(calls)

    async def _aconnect(self) -> psycopg.AsyncConnection:
        connect = psycopg.AsyncConnection.connect
        raw = await connect(self._url, autocommit=True, **self._options)
        self._prepare_nothing_if_pooled(raw)  # a worker has opened a sync connection before
        return raw


def open_database(url: str) -> PsycopgDatabase:
    """Return the database of a URL.

    `clarion.outbox.open_database` calls it, and describes the URL.

    Args:
        url: the address, such as `postgresql://user@host/name`.

    Raises:
        ArgumentError: if the URL cannot be read.
    """
    return PsycopgDatabase(url)


def _conninfo(url: str) -> str:
    """Return the parameters of a URL as libpq takes them, checked.

    Raises:
        ArgumentError: if it cannot be read. The message of libpq may have a part of a password.
    """
    parts = split_url(url)
    try:
        found: dict[str, Any] = conninfo_to_dict(
            f"postgresql:{parts.rest}" if parts.scheme else url
        )
    except UnicodeError:
        raise unreadable() from None
    except psycopg.ProgrammingError as error:
        option = _UNKNOWN_OPTION.search(str(error))
        if option is None:
            raise unreadable() from None
        if parts.driver == "asyncpg" and option[1] == "ssl":
            # asyncpg's name of this option, with the same values.
            return _conninfo(re.sub(r"([?&])ssl=", r"\1sslmode=", url))
        raise not_a_url(
            f"has the option {quoted_name(option[1])}, which libpq does not have. Remove it"
        ) from None
    if not (_are_hosts(found.get("host")) and _are_ports(found.get("port"))):
        raise unreadable()  # libpq would print them, and they may be a part of a password
    return make_conninfo(**found)


def _are_hosts(hosts: str | None) -> bool:
    # The name of a socket on Linux may begin with @.
    return not any("@" in each[1:] for each in (hosts or "").split(","))


def _are_ports(ports: str | None) -> bool:
    return all(each == "" or each.isdecimal() for each in (ports or "").split(","))
