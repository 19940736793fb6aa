"""The one place that recognises a connection, by its attributes."""

from __future__ import annotations

from functools import lru_cache
from inspect import unwrap
from operator import attrgetter
from typing import Any

from clarion._core import signatures
from clarion.commit.drivers.asyncpg import AsyncpgDriver
from clarion.commit.drivers.base import AsyncDriver, Driver, NoDriver
from clarion.commit.drivers.dbapi import AsyncDbapiDriver, DbapiDriver
from clarion.commit.drivers.mysql import AsyncMysqlDriver, MysqlDriver
from clarion.commit.drivers.native import AsyncNativeDriver, NativeDriver
from clarion.commit.drivers.psycopg import AsyncPsycopgDriver, Psycopg2Driver, PsycopgDriver
from clarion.commit.drivers.sqlalchemy_core import AsyncCoreDriver, CoreDriver
from clarion.commit.drivers.sqlite import AsyncSqliteDriver, SqliteDriver
from clarion.errors import ArgumentError

# The attributes that a connection of a family has, and its sync and async class. The first
# family that fits is chosen.
_FAMILIES: tuple[tuple[attrgetter[Any], type[Driver], type[AsyncDriver]], ...] = (
    (attrgetter("transaction", "is_in_transaction"), NativeDriver, AsyncpgDriver),
    (attrgetter("transaction", "info.transaction_status"), PsycopgDriver, AsyncPsycopgDriver),
    (attrgetter("transaction"), NativeDriver, AsyncNativeDriver),
    (attrgetter("isolation_level", "in_transaction"), SqliteDriver, AsyncSqliteDriver),
    (attrgetter("server_status"), MysqlDriver, AsyncMysqlDriver),
    (attrgetter("info.transaction_status"), Psycopg2Driver, AsyncDbapiDriver),
    (attrgetter("commit"), DbapiDriver, AsyncDbapiDriver),
)


@lru_cache(maxsize=32)  # a program may create classes
def package_of(kind: type[Any]) -> str:
    """Return the top-level package of a class of connections; empty for that of None."""
    return "" if kind is type(None) else kind.__module__.partition(".")[0]


def driver_for(connection: Any) -> Driver:
    """Return the driver for a connection, or for None.

    Raises:
        ArgumentError: if it is not a connection.
    """
    if connection is None:
        return NoDriver()
    _refuse_managed(connection)
    if hasattr(connection, "begin_nested"):
        core = AsyncCoreDriver if hasattr(connection, "run_sync") else CoreDriver
        return core(connection, driver_for)
    for attributes, sync_class, async_class in _FAMILIES:
        if _has(connection, attributes):
            return (async_class if _is_async(connection) else sync_class)(connection)
    raise ArgumentError(
        f"atomic() was given an object of {_kind(connection)}, which is not a connection. Give one of a "
        f"DB-API driver, of psycopg or asyncpg, or a Connection of SQLAlchemy's.",
        ["connection"],
    )


def _refuse_managed(connection: Any) -> None:
    """Refuse a session of SQLAlchemy's and a connection of Django's, which begin and commit themselves."""
    if hasattr(connection, "begin_nested") and hasattr(connection, "get_bind"):
        raise ArgumentError(
            f"atomic() was given an object of {_kind(connection)}, which is a session and commits by itself. Write `with "
            f"session.begin():`, and around sends of your own signals `with bound(session):`.",
            ["connection"],
        )
    if hasattr(connection, "in_atomic_block"):
        raise ArgumentError(
            f"atomic() was given an object of {_kind(connection)}, whose transactions are Django's. Write `with "
            f"transaction.atomic():` of django.db, for whose commits receivers wait, too.",
            ["connection"],
        )


def _kind(connection: object) -> str:
    return f"{type(connection).__module__}.{type(connection).__qualname__}"


def _has(connection: Any, attributes: attrgetter[Any]) -> bool:
    try:
        attributes(connection)
    except AttributeError:
        return False
    return True


def _is_async(connection: Any) -> bool:
    method = getattr(connection, "commit", None)
    if method is None:
        # A pooled connection of asyncpg wraps its coroutine functions.
        method = unwrap(getattr(connection, "execute", _no_method))
    return signatures.is_async(method)


def _no_method() -> None:
    """Replace a method that a connection does not have."""
