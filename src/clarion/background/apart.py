"""Write a call on a connection of Django's of its own, apart from the open transaction of this thread.

A task that is written on the connection of a thread belongs to its open transaction. If the call waited
for the commit of another database, its task would be lost once that transaction is rolled back.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from clarion.errors import HandOverError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.background.call import Call


def has_transaction(connection: Any) -> bool:
    """Return whether a connection of Django's has an open transaction, which may be rolled back.

    Args:
        connection: the connection of this thread to the database of the tasks.
    """
    if connection.in_atomic_block:
        # A TestCase rolls back everything that its test writes, and only its own connection sees that.
        return not any(
            getattr(block, "_from_testcase", False) for block in connection.atomic_blocks
        )
    return connection.connection is not None and not connection.autocommit


def close_old_connections() -> None:
    """Close the connections of Django's that this thread has opened, and that CONN_MAX_AGE does not keep."""
    database: Any = sys.modules.get("django.db")  # loaded, if the program uses it
    if database is not None:
        with suppress(Exception):  # Django is not configured, or the database has gone
            database.close_old_connections()


def call_apart(
    function: Callable[[], object],
    connections: Any,
    alias: str | None,
    call: Call,
    seconds: float,
) -> None:
    """Call a function in a thread with connections of its own, and wait for it.

    Args:
        function: the function, which writes the call.
        connections: Django's connections.
        alias: the database of the tasks; None if they are in none of Django's.
        call: the call, for the message.
        seconds: how long to wait at most. The database may wait for a transaction of the calling
            thread, which waits here.

    Raises:
        HandOverError: if the time is over. The function may still write the call.
        Exception: what the function raises.
    """
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def run() -> None:
        error: BaseException | None = None
        try:
            if alias is not None and not connections[alias].get_autocommit():
                connections[alias].set_autocommit(True)
            function()
        except BaseException as failed:  # noqa: BLE001  # the waiting thread raises it
            error = failed
        try:
            connections.close_all()
        finally:
            ended.put(error)

    context = copy_context()
    threading.Thread(
        target=context.run, args=(run,), name="clarion-enqueue-apart", daemon=True
    ).start()
    try:
        error = ended.get(timeout=seconds)
    except Empty:
        raise HandOverError(
            f"A call of {call.receiver} was not written within {seconds:g} s on a connection of its own. See "
            f"whether the database answers, and whether an open transaction of this thread locks the table "
            f"of the tasks; hold= of the delivery sets the time.",
            call.receiver,
        ) from None
    try:
        if error is not None:
            raise error
    finally:
        del error  # its traceback holds this frame
