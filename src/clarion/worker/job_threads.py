"""The threads in which the jobs of a worker run."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING

from clarion._core.fork import new_lock
from clarion.worker.alone import Alone
from clarion.worker.cooldowns import Cooldowns
from clarion.worker.jobs import OrderedJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.worker.jobs import Job
    from clarion.worker.running import Call

logger = logging.getLogger("clarion.worker")


class JobThreads:
    """The jobs that run, each in a daemon thread.

    Args:
        size: how many jobs may run at a time.
        on_end: called when a job has ended, with what it raised or None.

    Attributes:
        cooldowns: the receivers and partitions whose last job found no delivery to take.
        alone: lets one job run while no other one does.
    """

    def __init__(self, size: int, on_end: Callable[[BaseException | None], object]) -> None:
        self._size = size
        self._on_end = on_end
        self.cooldowns = Cooldowns()
        self.alone = Alone()
        self._jobs: dict[Job, threading.Thread] = {}
        self._lock = new_lock()
        self.is_idle = threading.Event()
        self.is_idle.set()

    @property
    def free(self) -> int:
        """How many more jobs may run."""
        return self._size - len(self._jobs)

    def jobs(self) -> list[Job]:
        """Return the jobs that run."""
        with self._lock:
            return list(self._jobs)

    def counts(self) -> Counter[str]:
        """Return how many jobs run for each receiver."""
        return Counter(job.receiver for job in self.jobs())

    def is_first(self, job: Job) -> bool:
        """Return whether a job is the oldest one of its receiver that runs."""
        return next((each for each in self.jobs() if each.receiver == job.receiver), job) is job

    def has_partition(self, receiver: str, part: int) -> bool:
        """Return whether a job runs for a partition."""
        return any(
            isinstance(job, OrderedJob) and (job.receiver, job.part) == (receiver, part)
            for job in self.jobs()
        )

    def start(self, job: Job) -> None:
        """Run a job in a thread.

        Raises:
            RuntimeError: if the system has no more threads.
        """
        # Daemons: a receiver that never ends must not keep the process.
        thread = threading.Thread(
            target=self._run, args=(job,), name=f"clarion-{job.receiver}", daemon=True
        )
        with self._lock:
            self._jobs[job] = thread
            self.is_idle.clear()
        try:
            thread.start()
        except BaseException:  # the system has no more threads; it claims later
            self._remove(job)
            raise

    def _run(self, job: Job) -> None:
        error: BaseException | None = None
        try:
            self.alone.begin(job)
            job.run()
        except BaseException as raised:  # noqa: BLE001  # the worker decides
            error = raised
        self.cooldowns.note(job.place, has_worked=job.has_worked)
        self._remove(job)
        self._on_end(error)
        del error

    def _remove(self, job: Job) -> None:
        self.alone.end(job)
        with self._lock:
            self._jobs.pop(job, None)
            if not self._jobs:
                self.is_idle.set()

    def deadline(self) -> float | None:
        """Return when the first time limit of a running call is over."""
        limits = [each for job in self.jobs() if (each := job.running.deadline()) is not None]
        return min(limits, default=None)

    def abandon(self, now: float) -> list[tuple[Job, Call]]:
        """Leave behind the jobs whose call is over its time limit; return them."""
        found = [(job, job.running.abandon(now)) for job in self.jobs()]
        left = [(job, call) for job, call in found if call is not None]
        for job, call in left:
            logger.error(
                "Receiver %s has taken longer than its timeout. Its thread is left behind, and "
                "delivery %s counts as failed.",
                call.plan.shown,
                call.claim.id,
            )
            self._remove(job)
        return left
