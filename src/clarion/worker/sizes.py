"""How many deliveries a job takes at a time."""

from __future__ import annotations

from clarion._core.fork import new_lock

# Threads take turns to run Python. Only a receiver that waits, for a server perhaps, gains by more.
QUICK = 0.001  # seconds


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
        self._lock = new_lock()

    def size(self, receiver: str) -> int:
        """Return the size of the next batch of a receiver."""
        mean = self._means.get(receiver)
        if mean is None:
            return min(self._smallest, self._most)
        return max(1, min(self._most, int(self._seconds / max(mean, 1e-9))))

    def is_quick(self, receiver: str) -> bool:
        """Return whether the receiver is known to be so quick that a second thread slows it down."""
        mean = self._means.get(receiver)
        return mean is not None and mean < QUICK

    def learn(self, receiver: str, seconds: float) -> None:
        """Note how long one delivery of a receiver took."""
        with self._lock:
            before = self._means.get(receiver, seconds)
            # A slow one counts at once, quick ones by and by.
            self._means[receiver] = max(seconds, 0.5 * before + 0.5 * seconds)
