"""How a transaction is begun and ended on a connection, whoever made it.

By the driver's own blocks where it has some (psycopg, asyncpg, SQLAlchemy's connections),
else by statements (sqlite3, aiosqlite and other DB-API drivers).
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from clarion.errors import ArgumentError, TransactionError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    # What begins, commits and rolls back; each returns something to await if the connection
    # is an async one.
    Steps = tuple[Callable[[], Any], Callable[[], Any], Callable[[], Any]]


def block(connection: Any, savepoint: str = "") -> Any:
    """Return a context manager of a transaction, or of a savepoint, on a connection.

    Args:
        connection: the connection; None for none, with nothing to begin.
        savepoint: the name of the savepoint.

    Returns:
        A context manager, async if the connection is.
    """
    if connection is None:
        return nullcontext()
    if hasattr(connection, "transaction"):
        return connection.transaction()
    if hasattr(connection, "begin_nested"):
        return connection.begin_nested() if savepoint else connection.begin()
    steps = _of_savepoint(connection, savepoint) if savepoint else _of_transaction(connection)
    return _awaited(*steps) if is_async(connection) else _called(*steps)


def is_async(connection: Any) -> bool:
    """Tell whether a connection is awaited."""
    commit = getattr(connection, "commit", None) or getattr(connection, "execute", None)
    return iscoroutinefunction(commit)


def check(connection: Any, *, awaited: bool) -> None:
    """Refuse a connection on which no transaction can be begun here.

    Args:
        connection: the connection, or None.
        awaited: whether it is given to `async with`.

    Raises:
        ArgumentError: if it is none, or an async one given to `with`, or the reverse.
        TransactionError: if it is in a transaction already, or commits each statement.
    """
    if connection is None:
        return
    if not any(hasattr(connection, name) for name in ("commit", "transaction")):
        raise ArgumentError(
            f"atomic() was given {connection!r}, which is no connection. Give one of a DB-API "
            f"driver, of psycopg or asyncpg, or a Connection of SQLAlchemy's.",
            ["connection"],
        )
    if is_async(connection) != awaited:
        kind = f"{type(connection).__module__}.{type(connection).__qualname__}"
        is_what, write = ("sync", "with") if awaited else ("async", "async with")
        raise ArgumentError(
            f"{kind} is {'a' if awaited else 'an'} {is_what} connection. "
            f"Write `{write} atomic(connection)`.",
            ["connection"],
        )
    if _is_in_transaction(connection):
        raise TransactionError(
            "atomic() was given a connection that is in a transaction already, whose commit it "
            "would not see. Commit or roll back first, or begin that one with atomic(), too."
        )
    if getattr(connection, "autocommit", None) is True and not _has_blocks(connection):
        raise TransactionError(
            "atomic() was given a connection that commits each statement. Turn autocommit off."
        )


def _has_blocks(connection: Any) -> bool:
    return _is_sqlite(connection) or any(
        hasattr(connection, name) for name in ("transaction", "begin_nested", "begin")
    )


def _is_sqlite(connection: Any) -> bool:
    return hasattr(connection, "isolation_level") and hasattr(connection, "in_transaction")


def _is_always_in_one(connection: Any) -> bool:
    # PEP 249 as sqlite3 takes it since Python 3.12, if it is told autocommit=False.
    return _is_sqlite(connection) and getattr(connection, "autocommit", None) is False


def _is_in_transaction(connection: Any) -> bool:
    if _is_always_in_one(connection):
        return False
    for name in ("in_transaction", "is_in_transaction"):  # sqlite3, SQLAlchemy; asyncpg
        told = getattr(connection, name, None)
        if told is not None:
            return bool(told() if callable(told) else told)
    status = getattr(getattr(connection, "info", None), "transaction_status", 0)  # psycopg
    return int(status) != 0


def _of_transaction(connection: Any) -> Steps:
    if _is_sqlite(connection) and not _is_always_in_one(connection):
        return _statements(connection, "BEGIN", "COMMIT", "ROLLBACK")
    begin = getattr(connection, "begin", _nothing)
    return begin, connection.commit, connection.rollback


def _of_savepoint(connection: Any, name: str) -> Steps:
    return _statements(
        connection,
        f"SAVEPOINT {name}",
        f"RELEASE SAVEPOINT {name}",
        f"ROLLBACK TO SAVEPOINT {name}",
    )


def _statements(connection: Any, begin: str, commit: str, rollback: str) -> Steps:
    # sqlite3 and aiosqlite execute on the connection, PEP 249 on a cursor.
    execute = getattr(connection, "execute", None) or partial(_execute, connection)
    return partial(execute, begin), partial(execute, commit), partial(execute, rollback)


def _execute(connection: Any, statement: str) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()


def _nothing() -> None:
    """Begin nothing: the driver begins a transaction with the first statement."""


@contextmanager
def _called(
    begin: Callable[[], Any], commit: Callable[[], Any], rollback: Callable[[], Any]
) -> Generator[None]:
    begin()
    try:
        yield
        commit()
    except BaseException:
        # What made it necessary tells more than a rollback that fails, too.
        with suppress(Exception):
            rollback()
        raise


@asynccontextmanager
async def _awaited(
    begin: Callable[[], Any], commit: Callable[[], Any], rollback: Callable[[], Any]
) -> AsyncGenerator[None]:
    await begin()
    try:
        yield
        await commit()
    except BaseException:
        with suppress(Exception):
            await rollback()
        raise
