"""An outbox in MariaDB or MySQL, through PyMySQL alone.

    database = open_database("mysql://user@host/shop")

`clarion.outbox.open_database` returns the same database for such a URL.
"""

from __future__ import annotations

from typing import Any, cast

from clarion._core.names import quoted_name
from clarion.errors import MissingExtraError
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.open import UrlDatabase
from clarion.outbox.urls import not_a_url, read_options, split_server, split_url, yes_or_no

try:
    import pymysql  # type: ignore[import-untyped]
    from pymysql.charset import charset_by_name  # type: ignore[import-untyped]
except ImportError as error:
    raise MissingExtraError.because(error, "pymysql", "pymysql") from error

__all__ = ["PymysqlDatabase", "open_database"]

_TEXTS = (
    "bind_address",
    "collation",
    "init_command",
    "program_name",
    "read_default_file",
    "read_default_group",
    "sql_mode",
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "ssl_key_password",
    "unix_socket",
)
_NUMBERS = ("connect_timeout", "max_allowed_packet", "read_timeout", "write_timeout")
_SWITCHES = ("ssl_disabled", "ssl_verify_cert", "ssl_verify_identity", "use_unicode")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ValueError
    return int(text)


def _charset(text: str) -> str:
    if cast("object", charset_by_name(text)) is None:
        raise ValueError
    return text


# The options of PyMySQL that a URL can have, and what reads each.
_OPTIONS: dict[str, Any] = {
    **dict.fromkeys(_TEXTS, str),
    **dict.fromkeys(_NUMBERS, _positive),
    **dict.fromkeys(_SWITCHES, yes_or_no),
    "charset": _charset,
}


class PymysqlDatabase(UrlDatabase):
    """A database of MariaDB or MySQL.

    Args:
        url: its URL, `mysql://user:password@host:port/database`.
        **options: more options for `pymysql.connect`.

    Raises:
        ArgumentError: if the URL cannot be read, or has an option that is not supported.
    """

    dialect = "mysql"

    def __init__(self, url: str, **options: Any) -> None:
        server = split_server(split_url(url).rest)
        database = str(options.get("database") or server.database)
        if not database:
            raise not_a_url("names no database")
        self.name = f"MariaDB's database {quoted_name(database)}"
        self._options: dict[str, Any] = {
            "host": server.host or "127.0.0.1",
            "port": server.port or 3306,
            "user": server.user,
            # As bytes: PyMySQL encodes text in Latin-1, which lacks most letters.
            "password": (server.password or "").encode(),
            "database": database,
            "charset": "utf8mb4",
            **read_options(server.options, _OPTIONS),
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
    """Return the database of a URL.

    `clarion.outbox.open_database` calls it, and describes the URL.

    Args:
        url: the address, such as `mysql://user@host/name`.

    Raises:
        ArgumentError: if the URL cannot be read.
    """
    return PymysqlDatabase(url)
