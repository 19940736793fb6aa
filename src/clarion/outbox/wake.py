"""Wake the workers of this process after a commit that has stored deliveries.

It only saves them a wait, because workers also look for deliveries at intervals.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from clarion._core.registration import Registration
from clarion.commit.delivery import OnCommit
from clarion.commit.pending_call import BoundReceiver, PendingCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion._core.signal import Signal
    from clarion.commit.boundary import Boundary

workers: list[Callable[[], object]] = []
"""The functions to call after a commit. If the list is empty, `after_commit` does nothing."""

logger = logging.getLogger("clarion")


def add_worker(wake: Callable[[], object]) -> None:
    """Call a function after each commit of this process that stores deliveries.

    Args:
        wake: the function. It must return at once.
    """
    workers.append(wake)


def remove_worker(wake: Callable[[], object]) -> None:
    """Undo `add_worker`."""
    if wake in workers:
        workers.remove(wake)


def after_commit(signal: Signal, boundary: Boundary) -> None:
    """Wake the workers of this process once the open transaction commits, or now.

    A send calls it only if there are workers, which saves most programs the call.
    """
    if boundary.is_open():
        # One call for each commit, because the calls have the same key.
        boundary.add_call(PendingCall(signal, _REGISTRATION, _wake, _BOUND, boundary, "", {}))
    else:
        _wake()


def _wake(**_arguments: Any) -> None:
    for wake in workers:
        try:
            wake()
        except Exception:
            logger.exception("A worker could not be woken.")


def _same_key(_signal: Signal, _receiver: object, _arguments: dict[str, Any]) -> str:
    return "wake"


_REGISTRATION = Registration().fill(_wake)
_BOUND = BoundReceiver(OnCommit(), _same_key, requests_session=False, requests_sends=False)
