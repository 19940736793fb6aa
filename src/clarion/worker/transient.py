"""Errors of a database after which a transaction can be repeated: deadlocks, busy files."""

from __future__ import annotations

import time
from random import uniform
from typing import TYPE_CHECKING, Any

from clarion.outbox.notes import sql_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

MOST_ATTEMPTS = 8

# serialization_failure, deadlock_detected, lock_not_available
_POSTGRES = {"40001", "40P01", "55P03"}
# ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT, ER_CHECKREAD
_MYSQL = {1213, 1205, 1020}


def is_transient(error: BaseException) -> bool:
    """Return whether the transaction can be repeated after an error of a database."""
    while True:
        if sql_state(error) in _POSTGRES:
            return True
        first: Any = error.args[0] if error.args else None
        if type(first) is int and first in _MYSQL:
            return True
        if type(error).__name__ == "OperationalError" and isinstance(first, str):
            busy = "database is locked" in first or "database table is locked" in first
            if busy:
                return True
        # Frameworks raise their own error from that of the driver.
        cause = getattr(error, "orig", None) or error.__cause__
        if not isinstance(cause, BaseException):
            return False
        error = cause


def retried(attempt: Callable[[], T]) -> T:
    """Call a function that runs one transaction, and repeat it after transient errors."""
    for number in range(1, MOST_ATTEMPTS):
        try:
            return attempt()
        except Exception as error:
            if not is_transient(error):
                raise
        time.sleep(uniform(0.0, 0.005 * 2**number))  # noqa: S311  # no secret
    return attempt()
