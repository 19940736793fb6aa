"""The objects that the jobs of one worker share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from clarion.worker.alone import Alone
    from clarion.worker.async_loop import AsyncLoop
    from clarion.worker.calls import Caller
    from clarion.worker.connections import Connections
    from clarion.worker.leases import Leases
    from clarion.worker.plans import Plans
    from clarion.worker.sizes import Sizes


@dataclass(frozen=True, slots=True)
class JobContext:
    """The objects that the jobs of one worker share.

    Attributes:
        connections: the connections to the database.
        leases: what the worker holds.
        plans: how each receiver is called.
        caller: calls the receivers.
        loop: the event loop of async receivers.
        sizes: the size of the batches.
        counts: the counters of the worker.
        concurrency: how many deliveries of an async receiver run at the same time, in all of its jobs.
        is_stopping: returns whether no other delivery may begin.
        is_first: returns whether a job is the oldest one of its receiver that runs.
        alone: lets one job run while no other one does.
    """

    connections: Connections
    leases: Leases
    plans: Plans
    caller: Caller
    loop: AsyncLoop
    sizes: Sizes
    counts: Counter[str]
    concurrency: int
    is_stopping: Callable[[], bool]
    is_first: Callable[[Any], bool]
    alone: Alone
