"""Look for what is due, and start jobs for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.outbox import store
from clarion.worker.connections import in_transaction
from clarion.worker.jobs import OrderedJob, UnorderedJob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.receivers import StoredReceiver
    from clarion.worker.crew import Crew
    from clarion.worker.jobs import Job
    from clarion.worker.tools import Tools


class Search:
    """Finds the deliveries and the partitions that are due.

    Args:
        tools: what the jobs share.
        crew: runs the jobs.
    """

    def __init__(self, tools: Tools, crew: Crew) -> None:
        self._tools = tools
        self._crew = crew
        self._partitioned: set[str] = set()

    def start_jobs(self) -> bool:
        """Start jobs for what is due, as many as may run; return whether it has started one."""
        receivers = self._tools.plans.receivers()
        names = list(receivers)
        if not names:
            return False
        with self._tools.connections.take() as connection:
            self._add_partitions(connection, receivers)
            due = store.due_receivers(connection, names)
            parts = store.due_partitions(connection, names)
        started = list(self._jobs(due, parts))[: max(0, self._crew.free)]
        for job in started:
            self._crew.start(job)
        return bool(started)

    def _jobs(self, due: Sequence[str], parts: Iterable[tuple[str, int]]) -> Iterable[Job]:
        running = {name: self._crew.count(name) for name in due}
        yield from (UnorderedJob(name, self._tools) for name in due if not running[name])
        for name, part in parts:
            if not self._crew.has_partition(name, part):
                yield OrderedJob(name, part, self._tools)
        # Its job does not keep up: another one.
        yield from (UnorderedJob(name, self._tools) for name in due if running[name])

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
