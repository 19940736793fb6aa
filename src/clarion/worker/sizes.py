"""How many deliveries a job takes at a time."""

from __future__ import annotations

from clarion._core.fork import new_lock

# Only one thread runs Python code at a time. More threads help only receivers that wait, such as for
# a server.
QUICK = 0.001  # seconds


class Sizes:
    """The size of the next batch of each receiver: as many as take about a second.

    Args:
        most: the largest batch.
        seconds: how long a batch is to take at most.
        smallest: the size before the first measurement of a receiver.
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
        """Return whether the receiver is so quick that a second thread slows it down."""
        mean = self._means.get(receiver)
        return mean is not None and mean < QUICK

    def learn(self, receiver: str, seconds: float) -> None:
        """Record how long one delivery of a receiver took."""
        with self._lock:
            before = self._means.get(receiver, seconds)
            # A slow delivery counts at once, quick ones gradually.
            self._means[receiver] = max(seconds, 0.5 * before + 0.5 * seconds)
