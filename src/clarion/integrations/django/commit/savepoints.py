"""Drop the calls that were sent after a savepoint that user code rolls back itself.

Django knows which callbacks belong to the savepoint of an `atomic()` block. It does not know
that for `transaction.savepoint()`, so callbacks registered after it would run.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from clarion.integrations.django.commit.callbacks import Callback, next_position

if TYPE_CHECKING:
    from collections.abc import Callable

# An attribute of a connection: its savepoints set since its first call, by id, with the position
# of the next callback.
_POSITIONS = "clarion_savepoints"


def watch_savepoints(connection: Any) -> None:
    """Make a connection drop calls in `savepoint_rollback`. Calling it again changes nothing.

    Call it before the first callback is registered with the connection.
    """
    if _POSITIONS not in connection.__dict__:
        positions: dict[str | None, int] = {}
        connection.__dict__[_POSITIONS] = positions
        connection.savepoint = _noting(connection, connection.savepoint, positions)
        connection.savepoint_rollback = _dropping(
            connection, connection.savepoint_rollback, positions
        )


def _noting(
    connection: Any, savepoint: Callable[[], str | None], positions: dict[str | None, int]
) -> Callable[[], str | None]:
    @wraps(savepoint)
    def noting() -> str | None:
        savepoint_id = savepoint()
        if connection.run_on_commit:
            positions[savepoint_id] = next_position()
        else:
            positions.clear()  # every savepoint is older than any callback
        return savepoint_id

    return noting


def _dropping(
    connection: Any, roll_back: Callable[[str | None], None], positions: dict[str | None, int]
) -> Callable[[str | None], None]:
    @wraps(roll_back)
    def dropping(sid: str | None) -> None:
        roll_back(sid)
        # If it is False, Django has rolled nothing back.
        if connection._savepoint_allowed():  # noqa: SLF001  # Django's
            _drop_from(connection, positions.get(sid, 0))

    return dropping


def _drop_from(connection: Any, position: int) -> None:
    """Drop the calls whose callback has this position or a later one."""
    kept: list[Any] = []
    for entry in connection.run_on_commit:
        callback = entry[1]
        if isinstance(callback, Callback) and callback.position >= position:
            callback.drop()
        else:
            kept.append(entry)
    connection.run_on_commit = kept
