"""PgQueuer: jobs in batches on asyncpg."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.durable.contender import INSERT, Contender, connect, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 100


class PgQueuer(Contender):
    """PgQueuer. Its jobs have no order by a key."""

    name = "pgqueuer"
    distribution = "pgqueuer"

    def prepare(self) -> None:
        """Import it."""
        self._asyncpg: Any = import_module("asyncpg")
        self._drivers: Any = import_module("pgqueuer.db")
        self._queries: Any = import_module("pgqueuer.queries")
        self._drain_mode = import_module("pgqueuer.types").QueueExecutionMode.drain
        self._note: Callable[[int], object] = int

    def create(self) -> None:
        """Install its tables."""
        asyncio.run(self._with_queries("install"))

    def drop(self) -> None:
        """Uninstall its tables."""
        asyncio.run(self._with_queries("uninstall"))

    async def _with_queries(self, name: str) -> None:
        connection = await self._asyncpg.connect(self.url)
        queries = self._queries.Queries(self._drivers.AsyncpgDriver(connection))
        await getattr(queries, name)()
        await connection.close()

    def fill(self, rows: int, *, keyed: bool) -> None:
        """Enqueue jobs, many at a time."""
        enqueue = self._sync_queries(connect(self.url)).enqueue
        for start in range(0, rows, 1000):
            numbers = range(start, min(rows, start + 1000))
            count = len(numbers)
            enqueue(["bench0"] * count, [b"%d" % each for each in numbers], [0] * count)

    def drain(self, *, keyed: bool) -> None:
        """Run its queue manager until the queue is empty."""
        asyncio.run(self._work(mode=self._drain_mode))

    def serve(self, note: Callable[[int], None]) -> None:
        """Run its queue manager in a thread."""
        self._note = note
        in_thread(self._work)

    async def _work(self, **options: Any) -> None:
        connection = await self._asyncpg.connect(self.url)
        queue = import_module("pgqueuer").PgQueuer(self._drivers.AsyncpgDriver(connection)).qm

        async def receive(job: Any) -> None:
            self._note(int(job.payload))

        for number in range(10):
            queue.entrypoint(f"bench{number}")(receive)
        await queue.run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=1), **options)

    def publisher(self, count: int) -> Callable[[int], object]:
        """Enqueue the jobs of all receivers by one call, on the connection of the transaction."""
        connection = connect(self.url)
        enqueue = self._sync_queries(connection).enqueue
        names = [f"bench{number}" for number in range(count)]

        def publish(number: int) -> None:
            with connection.transaction():
                connection.execute(INSERT)
                if names:
                    enqueue(names, [b"%d" % number] * count, [0] * count)

        return publish

    def send_one(self) -> Callable[[int], object]:
        """Enqueue one job."""
        connection = connect(self.url)
        enqueue = self._sync_queries(connection).enqueue

        def send(number: int) -> None:
            with connection.transaction():
                enqueue("bench0", b"%d" % number)

        return send

    def _sync_queries(self, connection: Any) -> Any:
        return self._queries.SyncQueries(self._drivers.SyncPsycopgDriver(connection))
