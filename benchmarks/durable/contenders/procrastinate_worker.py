"""Procrastinate: jobs on the sender's connection, and its async worker."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.durable.contender import INSERT, KEYS, Contender, connect, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

CONCURRENCY = 20
DROP = """
DO $$ DECLARE found record; BEGIN
FOR found IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE proname LIKE 'procrastinate%'
LOOP EXECUTE 'DROP FUNCTION IF EXISTS ' || found.name || ' CASCADE'; END LOOP;
FOR found IN SELECT tablename AS name FROM pg_tables WHERE tablename LIKE 'procrastinate%'
LOOP EXECUTE 'DROP TABLE IF EXISTS ' || found.name || ' CASCADE'; END LOOP;
FOR found IN SELECT t.typname AS name FROM pg_type t WHERE typname LIKE 'procrastinate%'
LOOP EXECUTE 'DROP TYPE IF EXISTS ' || found.name || ' CASCADE'; END LOOP;
END $$
"""


class Procrastinate(Contender):
    """Procrastinate. Its `lock` makes jobs of a key run in order."""

    name = "procrastinate"
    distribution = "procrastinate"
    has_keys = True

    def prepare(self) -> None:
        """Make an app for the worker, and one for the sender."""
        library: Any = import_module("procrastinate")
        pool = {"min_size": 2, "max_size": CONCURRENCY}
        self._app = library.App(connector=library.PsycopgConnector(conninfo=self.url, **pool))
        self._sender = library.App(connector=library.SyncPsycopgConnector(conninfo=self.url))
        self._note: Callable[[int], object] = int
        for app in (self._app, self._sender):
            for number in range(10):
                app.task(self._receive, name=f"bench{number}")

    async def _receive(self, number: int) -> None:
        self._note(number)

    def create(self) -> None:
        """Apply its schema."""
        with self._sender.open():
            self._sender.schema_manager.apply_schema()

    def drop(self) -> None:
        """Drop its tables, types and functions."""
        connect(self.url).execute(DROP)

    def fill(self, rows: int, *, keyed: bool) -> None:
        """Defer jobs, many at a time."""
        with self._sender.open():
            for key in range(KEYS):
                lock = str(key) if keyed else None
                deferrer = self._sender.configure_task("bench0", lock=lock)
                deferrer.batch_defer(*[{"number": each} for each in range(rows // KEYS)])

    def drain(self, *, keyed: bool) -> None:
        """Run its worker until there is nothing to do."""
        asyncio.run(self._work(wait=False))

    def serve(self, note: Callable[[int], None]) -> None:
        """Run its worker in a thread."""
        self._note = note
        in_thread(lambda: self._work(wait=True))

    async def _work(self, *, wait: bool) -> None:
        async with self._app.open_async():
            await self._app.run_worker_async(
                wait=wait,
                concurrency=CONCURRENCY,
                delete_jobs="always",
                listen_notify=wait,
                install_signal_handlers=False,
            )

    def publisher(self, count: int) -> Callable[[int], object]:
        """Defer a job for each receiver, on the connection of the transaction."""
        connection = connect(self.url)
        deferrers = self._deferrers(connection, count)

        def publish(number: int) -> None:
            with connection.transaction():
                connection.execute(INSERT)
                for deferrer in deferrers:
                    deferrer.defer(number=number)

        return publish

    def send_one(self) -> Callable[[int], object]:
        """Defer one job on the sender's connection."""
        connection = connect(self.url)
        (deferrer,) = self._deferrers(connection, 1)

        def send(number: int) -> None:
            with connection.transaction():
                deferrer.defer(number=number)

        return send

    def _deferrers(self, connection: Any, count: int) -> list[Any]:
        self._sender.open()
        tasks = (f"bench{number}" for number in range(count))
        return [self._sender.configure_task(name, connection=connection) for name in tasks]
