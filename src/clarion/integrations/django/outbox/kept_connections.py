"""Which of Django's connections a thread of a worker keeps for the next call of a receiver."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from django.db import Error, connections

from clarion._core.names import quoted_name
from clarion.errors import BoundaryError
from clarion.outbox.connection import has_ended

SHORTEST_AGE = 1.0  # seconds, in addition to CONN_MAX_AGE

_thread = threading.local()


def serve(*, is_serving: bool = True) -> None:
    """Keep the connections of this thread between calls, or stop keeping them."""
    _thread.is_serving = is_serving


def is_serving() -> bool:
    """Return whether this thread keeps its connections between calls."""
    return getattr(_thread, "is_serving", False)


def end_call() -> None:
    """Close those connections of this thread that the next call must not get.

    They are broken, too old, not in the mode of the settings, in a transaction that the receiver has
    not ended, or of a pool. A thread that does not serve keeps them all.

    Raises:
        BoundaryError: if the receiver has left a transaction open, because what it wrote is lost.
    """
    if not is_serving():
        return
    left = [connection.alias for connection in _opened() if not _end_call(connection)]
    if left:
        raise BoundaryError(
            f"The receiver has left a transaction open in Django's database {quoted_name(left[0])}, so it was "
            f"rolled back. Use `with transaction.atomic()`, which ends it."
        )


def end_failed_call() -> None:
    """Do the same as `end_call` after a call that has failed, and leave its error as it is."""
    with suppress(BoundaryError):
        end_call()


def close_old_outside_blocks() -> None:
    """Close old connections as Django's `close_old_connections`, except those in an atomic block.

    A block that is open belongs to the caller: a test, or a view whose engine runs tasks at once. Django
    closes its connection, too, because a connection in a block is not in autocommit mode.
    """
    for connection in _opened():
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def close_old() -> float | None:
    """Close the connections of this thread that are older than CONN_MAX_AGE.

    Returns:
        When the next one is too old, on the monotonic clock; None if no connection is open.
    """
    for connection in _opened():
        with suppress(Error):
            connection.close_if_unusable_or_obsolete()
    ages = [
        float("inf") if connection.close_at is None else float(connection.close_at)
        for connection in _opened()
    ]
    return min(ages, default=None)


def _opened() -> list[Any]:
    return [
        connection
        for connection in connections.all(initialized_only=True)
        if connection.connection is not None
    ]


def _end_call(connection: Any) -> bool:
    """Return whether the receiver has ended its transactions."""
    if connection.in_atomic_block:
        _discard(connection)
        return False
    if connection.autocommit and has_ended(connection.connection) is False:
        _close(connection)  # it was begun with a statement
        return False
    if (connection.settings_dict.get("OPTIONS") or {}).get("pool") or _is_old(connection):
        _close(connection)
    elif (
        connection.errors_occurred
        or connection.autocommit != connection.settings_dict["AUTOCOMMIT"]
    ):
        with suppress(Error):
            connection.close_if_unusable_or_obsolete()
    return True


def _is_old(connection: Any) -> bool:
    ends = connection.close_at
    return ends is not None and time.monotonic() >= ends + SHORTEST_AGE


def _close(connection: Any) -> None:
    with suppress(Error):
        connection.close()


def _discard(connection: Any) -> None:
    """Close a connection, and forget Django's object, which cannot leave the transaction."""
    _close(connection)
    del connections[connection.alias]
