"""Make a delivery by itself whose worker has vanished before, and at last alone in the process.

See `clarion.outbox.lapses`. Only what has lost a worker is made in this way, so the usual deliveries
are as quick as before.
"""

from __future__ import annotations

import logging
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from clarion.outbox import lapses
from clarion.worker.batch import Outcome
from clarion.worker.calls import LostError
from clarion.worker.failures import NotAloneError, WorkerEndedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from clarion.outbox.delivery_row import Claim
    from clarion.worker.alone import Alone
    from clarion.worker.leases import Holding
    from clarion.worker.plan import Plan
    from clarion.worker.settler import Settler

logger = logging.getLogger("clarion.worker")


def split(claims: Sequence[Claim], holding: Holding) -> Iterator[tuple[bool, Sequence[Claim]]]:
    """Yield the deliveries in groups: those to make by themselves, and those between them.

    If a partition has lost its last worker, nothing says which of its deliveries ran. So all are made by
    themselves, and the one that ends this worker will be known.
    """
    if holding.partition is not None and holding.partition.has_lapsed:
        yield True, claims
    elif not any(claim.attempt >= lapses.WITH_CARE for claim in claims):
        yield False, claims  # the usual case, quickly
    else:
        for is_careful, group in groupby(claims, lapses.needs_care):
            yield is_careful, list(group)


class Suspects(NamedTuple):
    """Makes deliveries of one job by themselves.

    Attributes:
        job: the job.
        receiver: the name of its receiver in the rows.
        plan_for: returns how a delivery of a signal is made.
        make: makes deliveries, and yields how they ended.
        may_continue: returns whether a delivery may begin.
        settler: settles them.
        holding: what the job holds.
        alone: lets the job have the worker to itself.
        is_stopping: returns whether the worker stops.
    """

    job: object
    receiver: str
    plan_for: Callable[[str], Plan]
    make: Callable[[Sequence[Claim]], Iterator[Outcome]]
    may_continue: Callable[[Claim], bool]
    settler: Settler
    holding: Holding
    alone: Alone
    is_stopping: Callable[[], bool]

    def outcomes(self, claims: Sequence[Claim]) -> Iterator[Outcome]:
        """Make one delivery after the other, and yield how they ended; leave out what did not begin."""
        for claim in claims:
            try:
                if (outcome := self._outcome(claim)) is not None:
                    yield outcome
                    if lapses.state_of(outcome.claim) == lapses.ALONE:
                        self.settler.flush()  # before anything else may end the worker
            finally:
                self.alone.release(self.job)

    def _outcome(self, claim: Claim) -> Outcome | None:
        if not self.may_continue(claim):
            return None
        try:
            plan = self.plan_for(claim.signal)
        except LookupError as error:
            return Outcome(claim, None, error)
        if lapses.has_ended_its_worker(claim):
            return Outcome(claim, plan, WorkerEndedError())
        if not lapses.is_suspect(claim):
            return self._begun(plan, claim)
        self.settler.flush()
        if not self.alone.acquire(self.job, self.is_stopping):
            return (
                None
                if self.is_stopping()
                else Outcome(claim, plan, NotAloneError(self.alone.pause))
            )
        logger.warning(
            "Delivery %s of %s is made alone, because its worker has ended twice while it held this delivery.",
            claim.id,
            self.receiver,
        )
        return self._begun(plan, claim)

    def _begun(self, plan: Plan, claim: Claim) -> Outcome | None:
        """Record that a delivery begins, with the settlement of the one before, and make it."""
        begin = partial(lapses.begin, claim=claim, partition=self.holding.partition)
        if (begun := self.settler.flush_and(begin)) is None:
            return Outcome(claim, plan, LostError())
        self.holding.claims[begun.id] = begun
        return next(self.make([begun]), None)
