"""What becomes of the COMMIT of a connection, also if an interrupt comes in it.

Django discards the callbacks of such a COMMIT at the next rollback, or when the connection is
closed. If the COMMIT was made, or may have been, each call is then logged as abandoned.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.choose import driver_for
from clarion.commit.drivers.outcome import CommitOutcome
from clarion.integrations.django.commit.callbacks import Callback

if TYPE_CHECKING:
    from collections.abc import Callable

_WATCHED = "clarion_watches_commit"


def watch_commit(connection: Any) -> None:
    """Note the outcome of each COMMIT of a connection. Calling it again changes nothing."""
    if _WATCHED not in connection.__dict__:
        connection.__dict__[_WATCHED] = True
        connection.commit = _watched(connection, connection.commit)


def _watched(connection: Any, commit: Callable[[], None]) -> Callable[[], None]:
    @wraps(commit)
    def watched() -> None:
        outcome = CommitOutcome(sys.exception())
        _set_outcome(connection, outcome)
        outcome.is_begun = True
        try:
            commit()
        except BaseException as error:
            with suppress(Exception):
                driver_for(connection.connection).judge(outcome, error)
            raise
        outcome.judge(is_made=True)

    return watched


def _set_outcome(connection: Any, outcome: CommitOutcome) -> None:
    # Here, because an error holds the frame of `watched`, which must hold no callback.
    for entry in connection.run_on_commit:
        if isinstance(entry[1], Callback):
            entry[1].outcome = outcome
