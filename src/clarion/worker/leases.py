"""What a worker holds at the moment, and the thread that renews it."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from clarion._core.fork import new_lock
from clarion.outbox import store
from clarion.outbox.notes import note_cure
from clarion.worker.connections import in_transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.delivery_row import Claim, Lease
    from clarion.worker.connections import Connections

logger = logging.getLogger("clarion.worker")


class Holding:
    """The deliveries, or the partition, that one job holds.

    Attributes:
        claims: the deliveries without a key that are not settled, by their id.
        partition: the leased partition, or None.
        is_lost: whether another worker may have taken them over.
        is_removed: whether it is not renewed any more.
        lock: held while it is renewed.
    """

    __slots__ = (
        "_expires",
        "_seconds",
        "claims",
        "is_lost",
        "is_removed",
        "lock",
        "partition",
    )

    def __init__(
        self, seconds: float, claims: Iterable[Claim] = (), partition: Lease | None = None
    ) -> None:
        self.claims = {each.id: each for each in claims}
        self.partition = partition
        self.is_lost = self.is_removed = False
        self.lock = new_lock()
        self._seconds = seconds
        self._expires = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether its lease may have ended: it was lost, or this process was suspended."""
        return self.is_lost or time.monotonic() >= self._expires

    def prolong(self, begun: float) -> None:
        """Extend the lease from the time at which its renewal began, on the monotonic clock."""
        self._expires = begun + self._seconds


class Leases:
    """The holdings of a worker. A thread renews them three times in each lease.

    Args:
        seconds: how long a lease lasts.
        connections: the connections of the worker.
    """

    def __init__(self, seconds: float, connections: Connections) -> None:
        self.seconds = seconds
        self.milliseconds = int(seconds * 1000)
        self._connections = connections
        self._holdings: set[Holding] = set()
        self._lock = new_lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, holding: Holding) -> None:
        """Begin to renew a holding."""
        with self._lock:
            self._holdings.add(holding)

    def remove(self, holding: Holding) -> None:
        """Stop renewing a holding; wait for a renewal that has begun.

        Do not call it in a transaction: the renewal may wait for its locks.
        """
        with holding.lock:
            holding.is_removed = True
        with self._lock:
            self._holdings.discard(holding)

    def current(self) -> list[Holding]:
        """Return the holdings."""
        with self._lock:
            return list(self._holdings)

    def start(self) -> None:
        """Start the thread that renews."""
        self._ended.clear()
        thread = threading.Thread(target=self._run, name="clarion-leases", daemon=True)
        thread.start()
        self._thread = thread

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(self.seconds)

    def _run(self) -> None:
        while not self._ended.wait(self.seconds / 3):
            try:
                self.renew()
            except Exception as error:
                # The jobs stop by themselves once their leases are over.
                note_cure(error)
                logger.exception("The leases could not be renewed.")

    def renew(self) -> None:
        """Renew every holding once."""
        holdings = self.current()
        if holdings:
            with self._connections.take() as connection:
                for holding in holdings:
                    with holding.lock:  # otherwise what was handed back would be leased again
                        if not holding.is_removed:
                            self._renew(connection, holding)

    def renew_ended(self, connection: WorkerConnection) -> None:
        """Renew what this worker holds and could not renew in time, in a transaction that then claims.

        Otherwise the worker would claim its own deliveries again. A receiver has locked them in a
        transaction that was longer than the lease; on SQLite it has locked all.
        """
        for holding in self.current():
            # Without its lock: its renewal may wait for this transaction.
            if holding.is_over and not holding.is_removed:
                self._extend(connection, holding, list(holding.claims.values()))

    def _renew(self, connection: WorkerConnection, holding: Holding) -> None:
        begun = time.monotonic()
        claims = list(holding.claims.values())
        renewed = in_transaction(connection, lambda taken: self._extend(taken, holding, claims))
        if renewed >= _size(holding, claims):
            holding.prolong(begun)
            return
        # A receiver has locked the others. Their lease ends in time, or is renewed later.
        held = _count_held(connection, holding, claims)
        holding.is_lost = holding.is_lost or held < _size(holding, claims)

    def _extend(
        self, connection: WorkerConnection, holding: Holding, claims: Sequence[Claim]
    ) -> int:
        """Renew a holding in a transaction; return how many rows could be renewed."""
        if holding.partition is not None:
            return store.renew_partition(connection, holding.partition, self.milliseconds)
        return store.renew(connection, claims, self.milliseconds)


def _size(holding: Holding, claims: Sequence[Claim]) -> int:
    """Return how many rows are held. Those that were settled meanwhile are no longer among the claims."""
    if holding.partition is not None:
        return 1
    return sum(each.id in holding.claims for each in claims)


def _count_held(connection: WorkerConnection, holding: Holding, claims: Sequence[Claim]) -> int:
    if holding.partition is not None:
        return store.has_partition(connection, holding.partition)
    return store.count_held(connection, claims)
