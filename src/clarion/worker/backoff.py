"""How long a delivery waits after a failure."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from math import isnan
from random import uniform
from typing import TYPE_CHECKING

from clarion.errors import Retry
from clarion.outbox.options import LONGEST_DELAY

if TYPE_CHECKING:
    from clarion.outbox.options import Options

LONGEST = 3600.0  # seconds


def delay_after(options: Options, failures: int, error: BaseException) -> int:
    """Return how long a delivery waits before its next attempt, in milliseconds.

    The wait is random, from zero to a limit, so that deliveries that failed together are not retried
    together ("full jitter"). The limit doubles with each failure, up to an hour.

    Args:
        options: the options of its delivery.
        failures: how many attempts have failed, the last one included.
        error: what the receiver raised. `Retry(after=...)` names the wait. The error gets a note
            if that wait, or the result of the function in the options, is no number, or if the function
            raises.
    """
    first = 1.0 if callable(options.backoff) else options.backoff
    found = named_wait(error)
    if found is None and callable(options.backoff):
        found = _wait_by_function(options, failures, error)
    if found is not None:
        return int(found * 1000)
    limit = min(LONGEST, first * 2.0 ** min(failures - 1, 40))
    return int(uniform(0.0, limit) * 1000)  # noqa: S311  # no secret


def named_wait(error: BaseException) -> float | None:
    """Return the wait that `Retry(after=...)` names, in seconds; None for the usual one."""
    if not isinstance(error, Retry) or error.after is None:
        return None
    return _number(error.after, "Retry(after=...)", error)


def _wait_by_function(options: Options, failures: int, error: BaseException) -> float | None:
    function: object = options.backoff
    assert callable(function)  # noqa: S101  # the caller has checked it
    try:
        return _number(function(failures), "The backoff function", error)
    except Exception as raised:  # noqa: BLE001  # the delivery is retried all the same
        _note(error, f"The backoff function raised {type(raised).__name__}.")
        return None


def _number(value: object, source: str, error: BaseException) -> float | None:
    """Return the seconds in a value, from 0 to a year; None if it is no number."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, int) or (isinstance(value, float) and not isnan(value)):
        return float(min(max(0.0, value), LONGEST_DELAY))  # a large int cannot become a float
    _note(error, f"{source} gave no number of seconds.")
    return None


def _note(error: BaseException, fault: str) -> None:
    note = f"{fault} The wait is the usual one."
    with suppress(Exception):  # some errors accept no note
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
