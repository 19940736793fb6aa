"""Look for deliveries that can be made, and start jobs for them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from clarion.outbox import store
from clarion.worker.connections import in_transaction
from clarion.worker.jobs import OrderedJob, UnorderedJob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
        # The number of the last job of each receiver, and of each partition.
        self._begins: Counter[str | Place] = Counter()
        self._begun = 0

    def start_jobs(self) -> bool:
        """Start as many jobs as are needed and may run.

        Returns:
            Whether it has started one, or will start one soon.
        """
        if self._context.alone.is_wanted:
            return True
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
        started = self._jobs(due, parts)[: max(0, self._job_threads.free)]
        for job in started:
            self._note_begin(job)
            self._job_threads.start(job)
        return bool(started) or may_follow

    def _jobs(self, due: Sequence[str], parts: Iterable[tuple[str, int]]) -> list[Job]:
        """Return the jobs to start: first one for each receiver, then more for the slow ones.

        Among those, the receiver whose last job began first has its turn. Otherwise receivers with many
        deliveries would keep the others waiting.
        """
        is_quick, cooldowns = self._context.sizes.is_quick, self._job_threads.cooldowns
        running = self._job_threads.counts()
        ranks = Counter(running)
        found: list[tuple[int, Job]] = []
        for name in due:
            if cooldowns.is_cooling_down((name, None)) or (running[name] and is_quick(name)):
                continue
            found.append((ranks[name], UnorderedJob(name, self._context)))
            ranks[name] += 1
        for name, part in sorted(parts, key=self._last_begin):
            if self._job_threads.has_partition(name, part) or cooldowns.is_cooling_down(
                (name, part)
            ):
                continue
            if running[name] and is_quick(name):
                continue
            found.append((ranks[name], OrderedJob(name, part, self._context)))
            ranks[name] += 1
            running[name] += 1
        found.sort(key=lambda each: (each[0], self._begins[each[1].receiver]))
        return [job for _, job in found]

    def _last_begin(self, place: Place) -> int:
        return self._begins[place]

    def _note_begin(self, job: Job) -> None:
        self._begun += 1
        self._begins[job.receiver] = self._begins[job.place] = self._begun

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
