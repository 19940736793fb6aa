"""The outcome of each COMMIT of a connection, also if an interrupt comes during it.

Django discards the callbacks of such a COMMIT at the next rollback, or when the connection is
closed. If the COMMIT was made, or may have been, each call is then logged as abandoned.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial, wraps
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
        name = "_set_autocommit"
        setattr(connection, name, _watched_autocommit(connection, getattr(connection, name)))


def _watched(connection: Any, commit: Callable[[], None]) -> Callable[[], None]:
    @wraps(commit)
    def watched() -> None:
        _note_commit(connection, commit, CommitOutcome(sys.exception()))

    return watched


def _watched_autocommit(
    connection: Any, set_autocommit: Callable[[bool], None]
) -> Callable[[bool], None]:
    # If an interrupt comes before its COMMIT, Django turns autocommit on. SQLite and MySQL then
    # commit the open transaction.
    @wraps(set_autocommit)
    def watched(autocommit: bool) -> None:  # noqa: FBT001  # Django's
        if autocommit and _is_interrupted(connection):
            # A new outcome, without the current exception, whose frames may hold a callback.
            _note_commit(connection, partial(set_autocommit, autocommit), CommitOutcome())
        else:
            set_autocommit(autocommit)

    return watched


def _note_commit(connection: Any, commit: Callable[[], None], outcome: CommitOutcome) -> None:
    """Call a function that commits, and note the outcome."""
    _set_outcome(connection, outcome)
    outcome.is_begun = True
    try:
        commit()
    except BaseException as error:
        with suppress(Exception):
            driver_for(connection.connection).judge(outcome, error)
        raise
    outcome.judge(is_made=True)


def _is_interrupted(connection: Any) -> bool:
    """Return whether callbacks wait in a transaction that Django does not commit or roll back."""
    if connection.run_commit_hooks_on_set_autocommit_on or connection.connection is None:
        return False
    if not any(_is_dropped(entry[1]) for entry in connection.run_on_commit):
        return False
    with suppress(Exception):
        return driver_for(connection.connection).in_transaction() is not False
    return True


def _is_dropped(function: object) -> bool:
    """Return whether a callback drops its call when Django discards it."""
    if not isinstance(function, Callback):
        return False
    return function.outcome is None or function.outcome.is_made is False


def _set_outcome(connection: Any, outcome: CommitOutcome) -> None:
    # A function of its own, because an error holds the frame of `_note_commit`, which must hold no callback.
    for entry in connection.run_on_commit:
        if isinstance(entry[1], Callback):
            entry[1].outcome = outcome
