"""Call the receiver for several deliveries, and report each as it ends."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from clarion._core.loops import run_in_thread
from clarion.worker.calls import LostError
from clarion.worker.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from clarion.outbox.delivery_row import Claim, Lease
    from clarion.worker.async_loop import AsyncLoop
    from clarion.worker.calls import Caller
    from clarion.worker.plan import Plan
    from clarion.worker.running import Call

LONGEST_END = 1.0  # seconds that a cancelled receiver may take

logger = logging.getLogger("clarion.worker")


class Outcome(NamedTuple):
    """How one delivery ended.

    Attributes:
        claim: the delivery.
        plan: how its receiver was called; None if it is not connected.
        error: the exception; None if the delivery was made.
        is_settled: whether the call has settled it already.
    """

    claim: Claim
    plan: Plan | None
    error: BaseException | None = None
    is_settled: bool = False


class Batch:
    """The deliveries of one receiver that a job takes at one time.

    Args:
        plan_for: returns the plan for the name of a signal.
        caller: calls the receivers.
        running: the calls that are running, with their time limits.
        may_continue: returns whether the next delivery may begin.
        partition: the partition of deliveries with keys; None for the others.
    """

    def __init__(
        self,
        plan_for: Callable[[str], Plan],
        caller: Caller,
        running: Running,
        may_continue: Callable[[Claim], bool],
        partition: Lease | None = None,
    ) -> None:
        self._plan_for = plan_for
        self._plans: dict[str, Plan] = {}
        self._caller = caller
        self._running = running
        self._may_continue = may_continue
        self._partition = partition

    def outcomes(
        self, claims: Sequence[Claim], loop: AsyncLoop, receiver: str, limit: int
    ) -> Iterator[Outcome]:
        """Yield how each delivery ended; leave out those that did not begin.

        Args:
            claims: the deliveries. Those with keys run one after the other.
            loop: the event loop of async receivers.
            receiver: the name of the receiver in the rows.
            limit: how many deliveries an async receiver gets at the same time, in all of its jobs.
        """
        waiting: list[Claim] = []
        for claim in claims:
            # Look up a plan once for each batch, because receivers may be disconnected while the worker runs.
            if (plan := self._plans.get(claim.signal)) is None:
                try:
                    plan = self._plans[claim.signal] = self._plan_for(claim.signal)
                except LookupError as error:
                    yield Outcome(claim, None, error)
                    continue
            if not plan.is_async:
                if not self._may_continue(claim):
                    continue
                yield self._call(plan, claim)
            elif self._partition is not None:
                call = self._acall_in_slot(plan, claim, partial(loop.slots, receiver, limit))
                if (outcome := loop.result(call)) is not None:
                    yield outcome
            else:
                waiting.append(claim)
        if waiting:
            yield from self._call_concurrently(waiting, loop, receiver, limit)

    def _call(self, plan: Plan, claim: Claim) -> Outcome:
        timeout = plan.options.timeout
        if timeout is not None:
            self._running.begin(claim, plan, time.monotonic() + timeout)
        try:
            note_end = None if timeout is None else self._running.note_end
            is_settled = self._caller.call(plan, claim, self._partition, note_end)
            return Outcome(claim, plan, None, is_settled)
        except BaseException as error:  # noqa: BLE001  # also what ends a thread
            return Outcome(claim, plan, error)
        finally:
            if timeout is not None:
                self._running.end()

    async def _acall_in_slot(
        self, plan: Plan, claim: Claim, slots: Callable[[], asyncio.Semaphore]
    ) -> Outcome | None:
        """Await a receiver once fewer than its limit run; return None if it must not begin any more."""
        async with slots():
            return await self._acall(plan, claim) if self._may_continue(claim) else None

    async def _acall(self, plan: Plan, claim: Claim) -> Outcome:
        try:
            is_settled = await self._acall_with_timeout(plan, claim)
        except BaseException as error:  # noqa: BLE001  # also a cancellation
            if isinstance(error, asyncio.CancelledError) and not self._may_continue(claim):
                error = StoppedError()
            return Outcome(claim, plan, error)
        return Outcome(claim, plan, None, is_settled)

    async def _acall_with_timeout(self, plan: Plan, claim: Claim) -> bool:
        """Await a receiver until its time limit.

        Raises:
            TimeoutError: if it takes longer.
        """
        seconds, end = plan.options.timeout, Running()
        if seconds is None:
            return await self._caller.acall(plan, claim, self._partition)
        end.begin(claim, plan, 0.0)
        call = asyncio.ensure_future(self._caller.acall(plan, claim, self._partition, end.note_end))
        # What a receiver raises after it was left behind has no effect, so asyncio must not report it.
        call.add_done_callback(_retrieve)
        try:
            await asyncio.wait({call}, timeout=seconds)
            is_late = not call.done()
            if is_late:
                await _cancel(call)
        except asyncio.CancelledError:
            call.cancel()
            raise
        if call.done() and not (is_late and call.cancelled()):
            return call.result()
        if not call.done() and (left := end.abandon(0.0)) is not None:
            await _abandon(left)
        raise TimeoutError(f"The receiver took longer than {seconds} s.")

    def _call_concurrently(
        self, claims: Sequence[Claim], loop: AsyncLoop, receiver: str, limit: int
    ) -> Iterator[Outcome]:
        slots = partial(loop.slots, receiver, limit)
        ended: SimpleQueue[Outcome | None] = SimpleQueue()
        waiting = iter(claims)

        async def serve() -> None:
            for claim in waiting:
                call = self._acall_in_slot(self._plans[claim.signal], claim, slots)
                if (outcome := await asyncio.ensure_future(call)) is not None:
                    ended.put(outcome)

        async def serve_all() -> None:
            try:
                await asyncio.gather(*[serve() for _ in range(min(limit, len(claims)))])
            finally:
                ended.put(None)

        loop.submit(serve_all())
        while (outcome := ended.get()) is not None:
            yield outcome


def _retrieve(call: asyncio.Future[bool]) -> None:
    if not call.cancelled():
        call.exception()


async def _cancel(call: asyncio.Future[bool]) -> None:
    """Cancel a call, and wait a moment for its end."""
    call.cancel()
    await asyncio.wait({call}, timeout=LONGEST_END)


async def _abandon(call: Call) -> None:
    logger.error(
        "Receiver %s has taken longer than its timeout, and ignores its cancellation. Its task is "
        "left behind, and delivery %s counts as failed.",
        call.plan.shown,
        call.claim.id,
    )
    if call.end is not None:
        await run_in_thread(call.end)


class StoppedError(Exception):
    """The worker stops, so another one makes the delivery."""


def is_lost(outcome: Outcome) -> bool:
    """Return whether another worker has the delivery."""
    return isinstance(outcome.error, LostError)
