"""When a worker looks for deliveries: when it is woken, and at intervals that grow while idle."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue

SHORTEST = 0.01  # seconds
QUICK = 0.5  # seconds; the next delivery often comes soon after the last one


class Pulse:
    """Waits for the next look.

    Args:
        longest: the longest interval, in seconds.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._interval = min(SHORTEST, longest)
        self._quick_until = 0.0
        # Its `put` may be called by a signal handler, even while this thread is in `get`.
        self._beats: SimpleQueue[None] = SimpleQueue()

    def beat(self) -> None:
        """End the current wait, or the next one."""
        self._beats.put(None)

    def quicken(self) -> None:
        """Look often again for a while, because there was something to do."""
        self._quick_until = time.monotonic() + QUICK
        self._interval = min(SHORTEST, self._longest)

    def wait(self, until: float | None = None) -> None:
        """Wait for a beat, or for the interval.

        Args:
            until: a time of the monotonic clock at which to end the wait, or None.
        """
        seconds = self._interval
        if until is not None:
            seconds = max(0.0, min(seconds, until - time.monotonic()))
        try:
            self._beats.get(timeout=seconds)
        except Empty:
            if time.monotonic() >= self._quick_until:
                self._interval = min(self._longest, 2 * self._interval)
            return
        self.quicken()
        while not self._beats.empty():
            self._beats.get()
