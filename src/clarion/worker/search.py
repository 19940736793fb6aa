"""Look for deliveries that can be made, and start jobs for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.outbox import store
from clarion.worker.connections import in_transaction
from clarion.worker.jobs import OrderedJob, UnorderedJob

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.receivers import StoredReceiver
    from clarion.worker.cooldowns import Place
    from clarion.worker.job_context import JobContext
    from clarion.worker.job_threads import JobThreads
    from clarion.worker.jobs import Job


class Search:
    """Finds the receivers and the partitions that have deliveries.

    Args:
        context: what the jobs share.
        job_threads: runs the jobs.
    """

    def __init__(self, context: JobContext, job_threads: JobThreads) -> None:
        self._context = context
        self._job_threads = job_threads
        self._partitioned: set[str] = set()

    def start_jobs(self) -> bool:
        """Start as many jobs as are needed and may run.

        Returns:
            Whether it has started one, or will start one soon.
        """
        receivers = self._context.plans.receivers()
        # One job is enough for a quick receiver, so its deliveries are not searched while one runs.
        running, is_quick = self._job_threads.counts(), self._context.sizes.is_quick
        names = [name for name in receivers if not (running[name] and is_quick(name))]
        if not names:
            return False
        with self._context.connections.take() as connection:
            self._add_partitions(connection, receivers)
            due = store.due_receivers(connection, names)
            parts = store.due_partitions(connection, names)
        found: list[Place] = [*((name, None) for name in due), *parts]
        may_follow = any(not self._job_threads.cooldowns.is_stuck(each) for each in found)
        started = list(self._jobs(due, parts))[: max(0, self._job_threads.free)]
        for job in started:
            self._job_threads.start(job)
        return bool(started) or may_follow

    def _jobs(self, due: Sequence[str], parts: Iterable[tuple[str, int]]) -> Iterator[Job]:
        """Yield the jobs to start: first one for each receiver, then more for the slow ones."""
        is_quick, is_cooling_down = (
            self._context.sizes.is_quick,
            self._job_threads.cooldowns.is_cooling_down,
        )
        running = self._job_threads.counts()
        later: list[Job] = []
        for name in due:
            if is_cooling_down((name, None)):
                continue
            job = UnorderedJob(name, self._context)
            if not running[name]:
                yield job
            elif not is_quick(name):
                later.append(job)
        for name, part in parts:
            if self._job_threads.has_partition(name, part) or is_cooling_down((name, part)):
                continue
            if running[name] and is_quick(name):
                continue
            running[name] += 1
            yield OrderedJob(name, part, self._context)
        yield from later

    def _add_partitions(
        self, connection: WorkerConnection, receivers: Mapping[str, Sequence[StoredReceiver]]
    ) -> None:
        """Add the partitions of receivers with keys, once."""
        missing = [
            name
            for name, stored in receivers.items()
            if name not in self._partitioned
            and any(each.options.key is not None for each in stored)
        ]
        if missing:
            in_transaction(connection, lambda taken: store.add_partitions(taken, missing))
            self._partitioned.update(missing)
