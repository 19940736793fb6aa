"""Receivers and partitions whose last job could take nothing, and rest for a while."""

from __future__ import annotations

import time

from clarion._core.fork import new_lock

SHORTEST, LONGEST = 0.05, 1.0  # seconds

Place = tuple[str, int | None]
"""The name of a receiver, and one of its partitions; None for its deliveries without a key."""


class Rests:
    """The places where a search finds deliveries that a job cannot take.

    Another process has locked them: it may have been stopped in the middle of a transaction.
    """

    def __init__(self) -> None:
        self._rests: dict[Place, tuple[float, float]] = {}  # until when, and for how long
        self._lock = new_lock()

    def is_resting(self, place: Place) -> bool:
        """Return whether no job is to be started for a place now."""
        rest = self._rests.get(place)
        return rest is not None and time.monotonic() < rest[0]

    def is_hopeless(self, place: Place) -> bool:
        """Return whether the last jobs for a place could take nothing, so that a drain ends."""
        rest = self._rests.get(place)
        return rest is not None and rest[1] >= LONGEST

    def note(self, place: Place, *, has_worked: bool) -> None:
        """Note that a job has ended; each one that could take nothing doubles the rest."""
        with self._lock:
            if has_worked:
                self._rests.pop(place, None)
                return
            _, before = self._rests.get(place, (0.0, SHORTEST / 2))
            seconds = min(LONGEST, 2 * before)
            self._rests[place] = time.monotonic() + seconds, seconds
