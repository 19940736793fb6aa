"""The jobs of a worker: each makes deliveries of one receiver, in a thread of its own."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from clarion.outbox import store
from clarion.worker.batch import Batch
from clarion.worker.connections import in_transaction
from clarion.worker.leases import Holding
from clarion.worker.running import Running
from clarion.worker.settler import Settler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.delivery_row import Claim
    from clarion.worker.plan import Plan
    from clarion.worker.rests import Place
    from clarion.worker.tools import Tools

LONGEST_JOB = 1.0  # seconds; then other receivers have their turn
LONGEST_BATCH = 1.0  # seconds; slow receivers get fewer deliveries at a time
SMALLEST_BATCH = 10


class Job(ABC):
    """A job: it claims deliveries, calls the receiver, and settles them, batch after batch.

    Args:
        receiver: the name of the receiver in the rows.
        tools: what the jobs of a worker share.

    Attributes:
        receiver: the name.
        running: the call that it makes, if that has a time limit.
        has_worked: whether it could take a delivery.
        holding: what it holds at the moment.
    """

    def __init__(self, receiver: str, tools: Tools) -> None:
        self.receiver = receiver
        self.running = Running()
        self.has_worked = False
        self.holding: Holding | None = None
        self._tools = tools
        self._ends = 0.0

    def run(self) -> None:
        """Make deliveries until there are no more, or other receivers have to have their turn."""
        self._ends = time.monotonic() + LONGEST_JOB
        tools = self._tools
        with tools.caller.serving_thread(), tools.connections.take() as connection:
            while self._run_batch(connection):
                pass

    @property
    def place(self) -> Place:
        """The receiver and the partition that it serves."""
        return (self.receiver, None)

    @abstractmethod
    def hand_back(self, connection: WorkerConnection) -> None:
        """Let other workers make at once what this job holds."""

    @abstractmethod
    def _run_batch(self, connection: WorkerConnection) -> bool:
        """Make the deliveries of one batch; return whether to go on with another one."""

    def _may_go_on(self) -> bool:
        return time.monotonic() <= self._ends and not self._tools.is_stopping()

    def _end_batch(self, settler: Settler) -> None:
        settler.flush()

    def _plan_for(self, signal: str) -> Plan:
        return self._tools.plans.plan_for(self.receiver, signal)

    def _deliver(
        self,
        connection: WorkerConnection,
        claims: Sequence[Claim],
        holding: Holding,
        stopped_keys: set[str | None],
    ) -> None:
        """Call the receiver for each delivery, and settle."""
        settler = Settler(connection, self.receiver, holding, self._tools.counts)
        running, is_stopping = self.running, self._tools.is_stopping

        def goes_on(claim: Claim) -> bool:
            return not (
                claim.key in stopped_keys
                or holding.is_over
                or running.is_abandoned
                or is_stopping()
            )

        batch = Batch(self._plan_for, self._tools.caller, running, goes_on, holding.partition)
        begun = time.monotonic()
        ended = 0
        for outcome in batch.outcomes(claims, self._tools.loop, self._tools.concurrency):
            ended += 1
            if running.is_abandoned:
                return  # the delivery was recorded as failed
            if settler.add(outcome) and outcome.claim.key is not None:
                stopped_keys.add(outcome.claim.key)
        if ended:
            self._tools.sizes.learn(self.receiver, (time.monotonic() - begun) / ended)
        self._end_batch(settler)


class UnorderedJob(Job):
    """Makes the deliveries of a receiver that have no key."""

    def __init__(self, receiver: str, tools: Tools) -> None:
        super().__init__(receiver, tools)
        self._next: list[Claim] | None = None  # those claimed with the end of the last batch

    def hand_back(self, connection: WorkerConnection) -> None:
        """Hand back the deliveries that are not settled."""
        left = [] if self.holding is None else list(self.holding.claims.values())
        if left:
            in_transaction(connection, lambda taken: store.hand_back(taken, left))

    def _run_batch(self, connection: WorkerConnection) -> bool:
        claims = in_transaction(connection, self._claim) if self._next is None else self._next
        self._next = None
        if not claims:
            return False
        self.has_worked = True
        holding = self.holding = Holding(self._tools.leases.seconds, claims)
        self._tools.leases.add(holding)
        try:
            self._deliver(connection, claims, holding, set())
        finally:
            self._tools.leases.remove(holding)
            if not self.running.is_abandoned:
                self.hand_back(connection)
        # Also after a short claim: it skips rows that another transaction has locked.
        return self._next is not None

    def _claim(self, connection: WorkerConnection) -> list[Claim]:
        size = self._tools.sizes.size(self.receiver)
        return store.claim(connection, self.receiver, size, self._tools.leases.milliseconds)

    def _end_batch(self, settler: Settler) -> None:
        """Settle, and claim the next deliveries in the same transaction."""
        if self._may_go_on():
            self._next = settler.flush_and(self._claim)
        else:
            settler.flush()


class OrderedJob(Job):
    """Makes the deliveries of one partition of a receiver's keys, in order.

    Args:
        receiver: the name of the receiver in the rows.
        part: the number of the partition.
        tools: what the jobs of a worker share.
    """

    def __init__(self, receiver: str, part: int, tools: Tools) -> None:
        super().__init__(receiver, tools)
        self.part = part

    @property
    def place(self) -> Place:
        """The receiver and the partition that it serves."""
        return (self.receiver, self.part)

    def run(self) -> None:
        """Lease the partition, make its deliveries, and release it."""
        lease = self._tools.leases.milliseconds
        with self._tools.connections.take() as connection:
            held = in_transaction(
                connection,
                lambda taken: store.lease_partition(taken, self.receiver, self.part, lease),
            )
        if held is None:
            return
        holding = self.holding = Holding(self._tools.leases.seconds, partition=held)
        self._tools.leases.add(holding)
        try:
            super().run()
        finally:
            self._tools.leases.remove(holding)
            if not self.running.is_abandoned:
                with self._tools.connections.take() as connection:
                    self.hand_back(connection)

    def hand_back(self, connection: WorkerConnection) -> None:
        """Release the partition."""
        held = None if self.holding is None else self.holding.partition
        if held is not None:
            in_transaction(connection, lambda taken: store.release_partition(taken, held))

    def _run_batch(self, connection: WorkerConnection) -> bool:
        holding = self.holding
        if holding is None or holding.partition is None or holding.is_over:
            return False
        size = self._tools.sizes.size(self.receiver)
        claims = store.window(connection, holding.partition, size)
        if not claims:
            return False
        self.has_worked = True
        self._deliver(connection, claims, holding, set())
        return len(claims) >= size and self._may_go_on()
