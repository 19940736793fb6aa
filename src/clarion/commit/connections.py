"""How a transaction is begun and ended on a connection, whoever made it.

By the driver's own blocks where it has some (psycopg, asyncpg, SQLAlchemy's connections),
else by statements (sqlite3, aiosqlite and other DB-API drivers).
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from functools import partial
from inspect import unwrap
from typing import TYPE_CHECKING, Any

from clarion._core import signatures
from clarion.errors import ArgumentError, TransactionError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    # What begins, commits and rolls back; each returns something to await if the connection
    # is an async one.
    Steps = tuple[Callable[[], Any], Callable[[], Any], Callable[[], Any]]


def transaction(connection: Any, lost: list[str]) -> Any:
    """Return a context manager of a transaction on a connection.

    Args:
        connection: the connection; None for none, with nothing to begin.
        lost: the savepoints in it that could not be rolled back; looked at before the commit.

    Returns:
        A context manager, async if the connection is.
    """
    if connection is None:
        return nullcontext()
    if hasattr(connection, "transaction"):
        begun = connection.transaction()
    elif hasattr(connection, "begin_nested"):
        begun = connection.begin()
    else:
        begun = _block(connection, _of_transaction(connection))
    return (_awhole if is_async(connection) else _whole)(connection, begun, lost)


def savepoint(connection: Any, name: str, lost: list[str]) -> Any:
    """Return a context manager of a savepoint, as `transaction`, which it is in."""
    if connection is None:
        return nullcontext()
    if hasattr(connection, "transaction"):
        return connection.transaction()
    if hasattr(connection, "begin_nested"):
        return connection.begin_nested()
    return _block(connection, _of_savepoint(connection, name), partial(lost.append, name))


def is_async(connection: Any) -> bool:
    """Tell whether a connection is awaited."""
    commit = getattr(connection, "commit", None)
    if commit is None:
        # That of a pool of asyncpg's wraps a coroutine function, and does not always say so.
        commit = unwrap(getattr(connection, "execute", _nothing))
    return signatures.is_async(commit)


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
    check_way(connection, awaited=awaited)
    if _is_in_transaction(connection):
        raise TransactionError(
            "atomic() was given a connection that is in a transaction already, whose commit it "
            "would not see. Commit or roll back first, or begin that one with atomic(), too."
        )
    if getattr(connection, "autocommit", None) is True and not _has_blocks(connection):
        raise TransactionError(
            "atomic() was given a connection that commits each statement. Turn autocommit off."
        )


def check_way(connection: Any, *, awaited: bool) -> None:
    """Refuse an async connection given to `with`, or the reverse, as `check`."""
    if connection is None or is_async(connection) == awaited:
        return
    kind = f"{type(connection).__module__}.{type(connection).__qualname__}"
    is_what, write = ("a sync", "with") if awaited else ("an async", "async with")
    raise ArgumentError(
        f"{kind} is {is_what} connection. Write `{write} atomic(...)`.", ["connection"]
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
    return not _is_always_in_one(connection) and bool(_told(connection))


def _told(connection: Any) -> bool | None:
    """Return whether the connection says that it is in a transaction; None if it says nothing."""
    for name in ("in_transaction", "is_in_transaction"):  # sqlite3, SQLAlchemy; asyncpg
        told = getattr(connection, name, None)
        if told is not None:
            return bool(told() if callable(told) else told)
    if hasattr(connection, "server_status"):  # PyMySQL
        return bool(connection.server_status & _IN_TRANSACTION)
    status = _libpq_status(connection)
    return None if status is None else status != 0


_IN_TRANSACTION = 1  # SERVER_STATUS_IN_TRANS of MySQL
_IN_ERROR = 3  # PQTRANS_INERROR of libpq


def _libpq_status(connection: Any) -> int | None:
    status = getattr(getattr(connection, "info", None), "transaction_status", None)
    return None if status is None else int(status)


def _of_transaction(connection: Any) -> Steps:
    if not _is_sqlite(connection):
        return getattr(connection, "begin", _nothing), connection.commit, connection.rollback
    # It may say how transactions are to begin: "IMMEDIATE", say.
    begin = f"BEGIN {connection.isolation_level or ''}"
    steps = _statements(connection, begin, "COMMIT", "ROLLBACK")
    if _is_always_in_one(connection):
        begun = _nothing if connection.in_transaction else steps[0]
        return begun, connection.commit, connection.rollback
    return steps


def _of_savepoint(connection: Any, name: str) -> Steps:
    begin, commit, rollback = _statements(
        connection,
        f"SAVEPOINT {name}",
        f"RELEASE SAVEPOINT {name}",
        f"ROLLBACK TO SAVEPOINT {name}",
    )
    # Else it would stay until the end of the transaction, of which there may be thousands.
    return begin, commit, partial(_both, rollback, commit, awaited=is_async(connection))


def _both(first: Callable[[], Any], second: Callable[[], Any], *, awaited: bool) -> Any:
    if awaited:
        return _await_both(first, second)
    first()
    return second()


async def _await_both(first: Callable[[], Any], second: Callable[[], Any]) -> None:
    await first()
    await second()


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


def _block(connection: Any, steps: Steps, fail: Callable[[], Any] = _nothing) -> Any:
    return (_awaited if is_async(connection) else _called)(*steps, fail)


@contextmanager
def _called(
    begin: Callable[[], Any],
    commit: Callable[[], Any],
    rollback: Callable[[], Any],
    fail: Callable[[], Any],
) -> Generator[None]:
    begin()
    try:
        yield
        commit()
    except BaseException:
        # What made it necessary tells more than a rollback that fails, too.
        try:
            rollback()
        except Exception:  # noqa: BLE001
            fail()
        raise


@asynccontextmanager
async def _awaited(
    begin: Callable[[], Any],
    commit: Callable[[], Any],
    rollback: Callable[[], Any],
    fail: Callable[[], Any],
) -> AsyncGenerator[None]:
    await begin()
    try:
        yield
        await commit()
    except BaseException:
        try:
            await rollback()
        except Exception:  # noqa: BLE001
            fail()
        raise


@contextmanager
def _whole(connection: Any, begun: Any, lost: list[str]) -> Generator[None]:
    """Be the block that the driver has begun, and refuse to commit what is lost."""
    try:
        with begun:
            yield
            pooled = getattr(connection, "connection", None)  # SQLAlchemy's
            _refuse_to_commit(connection, getattr(pooled, "driver_connection", connection), lost)
    except BaseException:
        if hasattr(connection, "begin_nested"):
            _end_transaction(connection)
        raise


@asynccontextmanager
async def _awhole(connection: Any, begun: Any, lost: list[str]) -> AsyncGenerator[None]:
    """Be the block that the driver has begun, and refuse to commit what is lost."""
    try:
        async with begun:
            yield
            driver = connection
            if hasattr(connection, "get_raw_connection"):  # SQLAlchemy's
                driver = (await connection.get_raw_connection()).driver_connection
            _refuse_to_commit(connection, driver, lost)
            if hasattr(driver, "is_in_transaction"):  # asyncpg, which does not tell its state
                try:
                    await driver.execute("SELECT 1")
                except Exception as error:
                    raise _aborted() from error
    except BaseException:
        if hasattr(connection, "run_sync"):
            await connection.run_sync(_end_transaction)
        raise


def _end_transaction(connection: Any) -> None:
    # SQLite stays in a transaction whose COMMIT fails, which SQLAlchemy takes for ended.
    with suppress(Exception):
        connection.connection.rollback()


def _refuse_to_commit(connection: Any, driver: Any, lost: list[str]) -> None:
    """Refuse a commit that would do nothing, or half of it, without a word.

    Raises:
        TransactionError: if it would.
    """
    if _libpq_status(driver) == _IN_ERROR:
        raise _aborted()
    if lost:
        raise TransactionError(
            "The transaction of an atomic() block is rolled back, for a savepoint in it could not "
            "be. Let the error that made that necessary leave the outermost block."
        )
    # Others begin one with the first statement, of which there may have been none.
    if _has_blocks(connection) and _told(connection) is False:
        raise TransactionError(
            "The transaction of an atomic() block was ended inside it: by a commit or a rollback, "
            "or by a statement that brings one about. Leave that to the block."
        )


def _aborted() -> TransactionError:
    # PostgreSQL answers COMMIT with a rollback then, which no driver takes for an error.
    return TransactionError(
        "The transaction of an atomic() block was aborted by an error inside it, and nothing of "
        "it is committed. Let the error leave the block, or put what may fail into an atomic() "
        "block of its own."
    )
