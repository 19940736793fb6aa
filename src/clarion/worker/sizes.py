"""How many deliveries a job takes at a time."""

from __future__ import annotations

import threading


class Sizes:
    """The size of the next batch of each receiver: as many as take about a second.

    Args:
        most: the largest batch.
        seconds: how long a batch is to take at most.
        smallest: the size while nothing is known of a receiver.
    """

    def __init__(self, most: int, seconds: float, smallest: int) -> None:
        self._most = most
        self._seconds = seconds
        self._smallest = smallest
        self._means: dict[str, float] = {}
        self._lock = threading.Lock()

    def size(self, receiver: str) -> int:
        """Return the size of the next batch of a receiver."""
        mean = self._means.get(receiver)
        if mean is None:
            return min(self._smallest, self._most)
        return max(1, min(self._most, int(self._seconds / max(mean, 1e-9))))

    def learn(self, receiver: str, seconds: float) -> None:
        """Note how long one delivery of a receiver took."""
        with self._lock:
            before = self._means.get(receiver, seconds)
            # A slow one counts at once, quick ones by and by.
            self._means[receiver] = max(seconds, 0.5 * before + 0.5 * seconds)
