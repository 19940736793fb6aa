"""Let code under test see autocommit outside its own atomic blocks.

In the program, such a statement is a transaction of its own, and an error in it affects no other.
In a test it is part of the test's transaction. PostgreSQL refuses all statements after an error
there, and so does Django after an error in `save()`.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from django.db import Error

from clarion._core.names import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Hook = Callable[[], object]

# Django logs the same failures with this logger.
logger = logging.getLogger("django.db.backends.base")

OUTER = "clarion_outer"
"""An attribute of a connection: the numbers of blocks and of hooks outside the code under test."""

_SAVEPOINT = "clarion_statement"

# Databases where an error undoes only its own statement, also inside a transaction.
_KEEPS_TRANSACTION = ("sqlite", "mysql", "oracle")

# These statements get no savepoint, because they would end it.
_OF_TRANSACTIONS = ("SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT", "BEGIN", "START")


def is_inside(connection: Any) -> bool:
    """Return whether an atomic block is open that is not ignored."""
    depth, _ = connection.__dict__.get(OUTER, (0, 0))
    return len(connection.atomic_blocks) > depth


def run_hook(hook: Hook, *, is_robust: bool) -> None:
    """Run a hook of `transaction.on_commit` as Django does: a robust one may fail."""
    if not is_robust:
        hook()
        return
    try:
        hook()
    except Exception:
        logger.exception("Error calling %s in on_commit() during a test", name_of(hook))


@contextmanager
def autocommit(connection: Any) -> Generator[None]:
    """Outside the blocks of the code under test, make statements and `on_commit` act as in autocommit."""
    was_broken, on_commit = connection.needs_rollback, connection.on_commit
    own = connection.__dict__.get("on_commit")

    def register_or_run(func: Hook, robust: bool = False) -> None:  # noqa: FBT001, FBT002
        if is_inside(connection) or not callable(func):  # Django raises the error
            on_commit(func, robust)
        else:
            run_hook(func, is_robust=robust)

    connection.on_commit = register_or_run
    try:
        with connection.execute_wrapper(_execute_alone):
            yield
    finally:
        if own is None:
            del connection.on_commit
        else:
            connection.on_commit = own
        connection.needs_rollback = was_broken


def _execute_alone(
    execute: Callable[..., Any],
    sql: Any,
    params: Any,
    many: bool,  # noqa: FBT001  # Django's
    context: dict[str, Any],
) -> Any:
    connection = context["connection"]
    if is_inside(connection):
        return execute(sql, params, many, context)
    connection.needs_rollback = False
    is_command = isinstance(sql, str) and sql.lstrip().upper().startswith(_OF_TRANSACTIONS)
    if is_command or connection.vendor in _KEEPS_TRANSACTION:
        return execute(sql, params, many, context)
    # Not by `connection.savepoint()`: tests that count queries would count it.
    _run_sql(connection, connection.ops.savepoint_create_sql(_SAVEPOINT))
    try:
        result = execute(sql, params, many, context)
    except Error:
        with suppress(connection.Database.Error):  # the connection is lost
            _run_sql(connection, connection.ops.savepoint_rollback_sql(_SAVEPOINT))
        raise
    _run_sql(connection, connection.ops.savepoint_commit_sql(_SAVEPOINT))
    return result


def _run_sql(connection: Any, sql: str) -> None:
    with connection.create_cursor() as cursor:
        cursor.execute(sql)
