"""The jobs of a worker: each makes deliveries of one receiver, in a thread of its own."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from clarion.outbox import store
from clarion.worker.batch import Batch
from clarion.worker.connections import in_transaction
from clarion.worker.leases import Holding
from clarion.worker.running import Running
from clarion.worker.settler import Settler
from clarion.worker.suspects import Suspects, split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.delivery_row import Claim, Lease
    from clarion.worker.cooldowns import Place
    from clarion.worker.job_context import JobContext
    from clarion.worker.plan import Plan

LONGEST_JOB = 1.0  # seconds; then other receivers have their turn
LONGEST_BATCH = 1.0  # seconds; slow receivers get fewer deliveries at a time
SMALLEST_BATCH = 10


class Job(ABC):
    """A job: it claims deliveries, calls the receiver, and settles them, batch after batch.

    Args:
        receiver: the name of the receiver in the rows.
        context: what the jobs of a worker share.

    Attributes:
        receiver: the name.
        running: the call that it makes, if that has a time limit.
        has_worked: whether it could take a delivery.
        holding: what it holds at the moment.
    """

    def __init__(self, receiver: str, context: JobContext) -> None:
        self.receiver = receiver
        self.running = Running()
        self.has_worked = False
        self.holding: Holding | None = None
        self._context = context
        self._ends = 0.0

    def run(self) -> None:
        """Make deliveries until none is left, or it is the turn of other receivers."""
        self._ends = time.monotonic() + LONGEST_JOB
        context = self._context
        with context.caller.serving_thread(), context.connections.take() as connection:
            while self._run_batch(connection):
                pass

    @property
    def place(self) -> Place:
        """The receiver and the partition that it serves."""
        return (self.receiver, None)

    @abstractmethod
    def hand_back(self, connection: WorkerConnection) -> None:
        """Release what this job holds, so that other workers can take it at once."""

    @abstractmethod
    def _run_batch(self, connection: WorkerConnection) -> bool:
        """Make the deliveries of one batch; return whether to go on with another one."""

    def _may_go_on(self) -> bool:
        context = self._context
        return (
            time.monotonic() <= self._ends
            and not context.is_stopping()
            and not context.alone.is_wanted
        )

    def _end_batch(self, settler: Settler) -> None:
        settler.flush()

    def _plan_for(self, signal: str) -> Plan:
        return self._context.plans.plan_for(self.receiver, signal)

    def _deliver(
        self,
        connection: WorkerConnection,
        claims: Sequence[Claim],
        holding: Holding,
        stopped_keys: set[str | None],
    ) -> None:
        """Call the receiver for each delivery, and settle."""
        context, running = self._context, self.running
        settler = Settler(connection, self.receiver, holding, context.counts)
        may_continue = self._until_it_ends(holding, stopped_keys)
        batch = Batch(self._plan_for, context.caller, running, may_continue, holding.partition)
        outcomes = partial(
            batch.outcomes, loop=context.loop, receiver=self.receiver, limit=context.concurrency
        )
        suspects = Suspects(
            self,
            self.receiver,
            self._plan_for,
            outcomes,
            may_continue,
            settler,
            holding,
            context.alone,
            context.is_stopping,
        )
        for is_careful, group in split(claims, holding):
            begun, ended = time.monotonic(), 0
            for outcome in suspects.outcomes(group) if is_careful else outcomes(group):
                if running.is_abandoned:
                    return  # the delivery was recorded as failed
                ended += 1
                if settler.add(outcome) and outcome.claim.key is not None:
                    stopped_keys.add(outcome.claim.key)
            if ended and not is_careful:
                context.sizes.learn(self.receiver, (time.monotonic() - begun) / ended)
        self._end_batch(settler)

    def _until_it_ends(
        self, holding: Holding, stopped_keys: set[str | None]
    ) -> Callable[[Claim], bool]:
        """Return a function that returns whether a delivery of a batch may begin.

        Once the batch has to end, no other delivery of it begins: it could overtake one of its key.
        """
        running, is_stopping, alone = self.running, self._context.is_stopping, self._context.alone
        has_ended = False

        def may_continue(claim: Claim) -> bool:
            nonlocal has_ended
            has_ended = has_ended or (
                holding.is_over
                or running.is_abandoned
                or is_stopping()
                or alone.is_wanted_by_another(self)
            )
            return not has_ended and claim.key not in stopped_keys

        return may_continue


class UnorderedJob(Job):
    """Makes the deliveries of a receiver that have no key."""

    def __init__(self, receiver: str, context: JobContext) -> None:
        super().__init__(receiver, context)
        self._next: list[Claim] | None = (
            None  # claimed in the transaction that settled the last batch
        )

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
        holding = self.holding = Holding(self._context.leases.seconds, claims)
        self._context.leases.add(holding)
        try:
            self._deliver(connection, claims, holding, set())
        finally:
            if not self.running.is_abandoned:
                self._context.leases.remove(holding)
                self.hand_back(connection)
        # A short claim does not mean the end: it skips rows that another transaction has locked.
        return self._next is not None

    def _claim(self, connection: WorkerConnection) -> list[Claim]:
        size, leases = self._context.sizes.size(self.receiver), self._context.leases
        leases.renew_ended(connection)
        return store.claim(connection, self.receiver, size, leases.milliseconds)

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
        context: what the jobs of a worker share.
    """

    def __init__(self, receiver: str, part: int, context: JobContext) -> None:
        super().__init__(receiver, context)
        self.part = part
        self._is_full = True
        self._is_released = False

    @property
    def place(self) -> Place:
        """The receiver and the partition that it serves."""
        return (self.receiver, self.part)

    def run(self) -> None:
        """Lease the partition, make its deliveries, and release it."""
        with self._context.connections.take() as connection:
            held = in_transaction(connection, self._lease)
        if held is None:
            return
        holding = self.holding = Holding(self._context.leases.seconds, partition=held)
        self._context.leases.add(holding)
        try:
            super().run()
        finally:
            if not self.running.is_abandoned:
                self._context.leases.remove(holding)
            if not (self._is_released or self.running.is_abandoned):
                with self._context.connections.take() as connection:
                    self.hand_back(connection)

    def _lease(self, connection: WorkerConnection) -> Lease | None:
        leases = self._context.leases
        leases.renew_ended(connection)
        return store.lease_partition(connection, self.receiver, self.part, leases.milliseconds)

    def hand_back(self, connection: WorkerConnection) -> None:
        """Release the partition."""
        held = None if self.holding is None else self.holding.partition
        if held is not None:
            in_transaction(connection, lambda taken: self._release(taken, held))

    def _release(self, connection: WorkerConnection, held: Lease) -> None:
        """Release the partition, and what has begun in it by itself and has not ended."""
        left = [] if self.holding is None else list(self.holding.claims.values())
        if left:
            store.hand_back(connection, left)
        store.release_partition(connection, held)

    def _run_batch(self, connection: WorkerConnection) -> bool:
        holding = self.holding
        if holding is None or holding.partition is None or holding.is_over:
            return False
        size = self._context.sizes.size(self.receiver)
        claims = store.window(connection, holding.partition, size)
        if not claims:
            return False
        self.has_worked = True
        self._is_full = len(claims) >= size
        self._deliver(connection, claims, holding, set())
        return not (self._is_released or self.running.is_abandoned)

    def _end_batch(self, settler: Settler) -> None:
        """Settle, and release the partition in the same transaction if this was the last batch."""
        held = None if self.holding is None else self.holding.partition
        if held is None or (self._is_full and self._may_go_on() and not self._is_surplus()):
            settler.flush()
            return
        settler.flush_and(lambda connection: self._release(connection, held))
        self._is_released = True

    def _is_surplus(self) -> bool:
        """Return whether another worker should have the partition.

        A worker that does not know a receiver yet leases many of its partitions. If the receiver turns
        out to be quick, the worker makes its deliveries no sooner with many partitions than with one.
        """
        context = self._context
        return context.sizes.is_quick(self.receiver) and not context.is_first(self)
