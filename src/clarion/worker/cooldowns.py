"""Receivers and partitions that get no new job for a while: the last job could take nothing."""

from __future__ import annotations

import time

from clarion._core.fork import new_lock

SHORTEST, LONGEST = 0.05, 1.0  # seconds

Place = tuple[str, int | None]
"""The name of a receiver, and one of its partitions; None for its deliveries without a key."""


class Cooldowns:
    """The places where a search finds deliveries that a job cannot take.

    Another process has locked them: it may have been stopped in the middle of a transaction.
    """

    def __init__(self) -> None:
        self._cooldowns: dict[Place, tuple[float, float]] = {}  # until when, and for how long
        self._lock = new_lock()

    def is_cooling_down(self, place: Place) -> bool:
        """Return whether no job may start for a place now."""
        cooldown = self._cooldowns.get(place)
        return cooldown is not None and time.monotonic() < cooldown[0]

    def is_stuck(self, place: Place) -> bool:
        """Return whether the last jobs for a place could take nothing, so that a drain ends."""
        cooldown = self._cooldowns.get(place)
        return cooldown is not None and cooldown[1] >= LONGEST

    def note(self, place: Place, *, has_worked: bool) -> None:
        """Record the end of a job; each job that could take nothing doubles the time."""
        with self._lock:
            if has_worked:
                self._cooldowns.pop(place, None)
                return
            _, before = self._cooldowns.get(place, (0.0, SHORTEST / 2))
            seconds = min(LONGEST, 2 * before)
            self._cooldowns[place] = time.monotonic() + seconds, seconds
