"""Settle deliveries in groups: soon enough for slow receivers, seldom enough for quick ones."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from clarion.outbox import store
from clarion.worker import failures
from clarion.worker.batch import StoppedError, is_lost
from clarion.worker.connections import in_transaction
from clarion.worker.traces import below_worker

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from typing import TypeVar

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.delivery_row import Claim
    from clarion.worker.batch import Outcome
    from clarion.worker.leases import Holding

    T = TypeVar("T")

# If the process is killed, what was made since the last settlement is made again.
LONGEST_WAIT = 0.1  # seconds

logger = logging.getLogger("clarion.worker")


class Settler:
    """Settles the deliveries of one job.

    Args:
        connection: the connection of the job.
        receiver: the name of the receiver in the rows.
        holding: what the job holds.
        counts: the counters of the worker.
    """

    def __init__(
        self,
        connection: WorkerConnection,
        receiver: str,
        holding: Holding,
        counts: Counter[str],
    ) -> None:
        self._connection = connection
        self._receiver = receiver
        self._holding = holding
        self._counts = counts
        self._made: list[Claim] = []
        self._skipped = 0  # of these
        self._since = time.monotonic()

    def add(self, outcome: Outcome) -> bool:
        """Settle a delivery now or soon; return whether the later ones of its key must wait."""
        claim, _, error, is_settled = outcome
        if error is None and not is_settled:
            self._made.append(claim)
            if time.monotonic() - self._since > LONGEST_WAIT:
                self.flush()
            return False
        if isinstance(error, StoppedError):
            return True  # it is handed back
        if is_settled or is_lost(outcome):
            self._forget([claim])
            self._counts["made" if is_settled else "lost"] += 1
            return False
        if error is not None and not failures.is_skipped(outcome.plan, error):
            self.flush()
            self._record(outcome, error)
            return True
        if error is not None:
            logger.info("Delivery %s of %s is skipped: %s", claim.id, self._receiver, error)
            self._skipped += 1
        self._made.append(claim)
        if time.monotonic() - self._since > LONGEST_WAIT:
            self.flush()
        return False

    def flush(self) -> None:
        """Settle everything that was made."""
        if self._made:
            self.flush_and(lambda _: None)
        self._since = time.monotonic()

    def flush_and(self, then: Callable[[WorkerConnection], T]) -> T:
        """Settle everything that was made, and call a function in the same transaction.

        One commit is quicker than two.

        Args:
            then: the function. It is called again if the transaction is repeated.

        Returns:
            What the function returns.
        """
        made, self._made = self._made, []
        skipped, self._skipped = self._skipped, 0

        def settle(connection: WorkerConnection) -> tuple[int, T]:
            return self._settle(connection, made) if made else 0, then(connection)

        settled, result = in_transaction(self._connection, settle)
        # Without zeros, so that the counts can be compared with a dictionary.
        skipped = min(skipped, settled)
        counts = {"made": settled - skipped, "skipped": skipped, "lost": len(made) - settled}
        self._counts.update({name: count for name, count in counts.items() if count})
        self._forget(made)
        return result

    def _settle(self, connection: WorkerConnection, made: list[Claim]) -> int:
        partition = self._holding.partition
        if partition is None:
            return store.settle(connection, made)
        if not store.hold_partition(connection, partition):
            self._holding.is_lost = True
            return 0
        settled = store.settle(connection, made)
        for key in {each.key for each in made if each.attempt and each.key is not None}:
            store.unblock(connection, self._receiver, key)
        return settled

    def _record(self, outcome: Outcome, error: BaseException) -> None:
        def record(connection: WorkerConnection, text: str) -> str:
            partition = self._holding.partition
            if partition is not None and not store.hold_partition(connection, partition):
                self._holding.is_lost = True
                return "lost"
            return failures.record(
                connection, self._receiver, outcome.plan, outcome.claim, error, text
            )

        recorded = failures.with_text(
            error, lambda text: in_transaction(self._connection, partial(record, text=text))
        )
        self._counts[recorded] += 1
        self._forget([outcome.claim])
        if recorded == "lost":
            # Another worker has it, or the receiver has committed the end of its delivery by itself.
            logger.warning(
                "Delivery %s of %s has failed, but is not held by this worker any more, so the failure is "
                "not counted.",
                outcome.claim.id,
                self._receiver,
                exc_info=(type(error), error, below_worker(error.__traceback__)),
            )

    def _forget(self, claims: list[Claim]) -> None:
        for each in claims:
            self._holding.claims.pop(each.id, None)
