"""When a worker looks for deliveries: when it is woken, and at intervals that grow while idle."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue

SHORTEST = 0.01  # seconds
QUICK = 0.5  # seconds; the next delivery often comes soon after the last one


class Polling:
    """Waits between two searches for deliveries.

    Args:
        longest: the longest interval, in seconds.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._interval = min(SHORTEST, longest)
        self._quick_until = 0.0
        # Its `put` may be called by a signal handler, even while this thread is in `get`.
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def wake(self) -> None:
        """End the current wait, or the next one."""
        self._wakes.put(None)

    def poll_often(self) -> None:
        """Search often for a while, because deliveries often follow others."""
        self._quick_until = time.monotonic() + QUICK
        self._interval = min(SHORTEST, self._longest)

    def wait(self, until: float | None = None) -> None:
        """Wait until `wake` is called, or the interval is over.

        Args:
            until: a time of the monotonic clock at which to end the wait, or None.
        """
        seconds = self._interval
        if until is not None:
            seconds = max(0.0, min(seconds, until - time.monotonic()))
        try:
            self._wakes.get(timeout=seconds)
        except Empty:
            if time.monotonic() >= self._quick_until:
                self._interval = min(self._longest, 2 * self._interval)
            return
        self.poll_often()
        while not self._wakes.empty():
            self._wakes.get()
