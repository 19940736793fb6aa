"""Huey, with its storage in SQLite. A task is not stored in the sender's transaction."""

from __future__ import annotations

import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.durable.contender import INSERT, Contender, begin, connect, path_of

if TYPE_CHECKING:
    from collections.abc import Callable

POLL = 0.01  # seconds


class Huey(Contender):
    """Huey: one thread, as threads take turns to run Python; results are not stored."""

    name = "huey"
    distribution = "huey"
    dialects = ("sqlite",)

    def prepare(self) -> None:
        """Make the tasks."""
        options = {"filename": path_of(self.url), "fsync": False, "timeout": 30}
        self._huey = import_module("huey").SqliteHuey("bench", results=False, **options)
        self._note: Callable[[int], object] = int
        self._tasks = [self._huey.task(name=f"bench{each}")(self._receive) for each in range(10)]

    def _receive(self, number: int) -> None:
        self._note(number)

    def create(self) -> None:
        """Create its tables."""
        self._huey.storage.initialize_schema()

    def drop(self) -> None:
        """Drop its tables."""
        with connect(self.url) as connection:
            for name in ("task", "schedule", "kv", "counter"):
                connection.execute(f"DROP TABLE IF EXISTS {name}")

    def fill(self, rows: int, *, keyed: bool) -> None:
        """Enqueue tasks one after the other."""
        for number in range(rows):
            self._tasks[0](number)

    def drain(self, *, keyed: bool) -> None:
        """Run its worker until the queue is empty."""
        stop = threading.Event()
        worker = import_module("huey.consumer").Worker(self._huey, stop, POLL, POLL, 1.0)
        while len(self._huey):
            worker.loop()

    def serve(self, note: Callable[[int], None]) -> None:
        """Run its worker in a thread."""
        self._note = note
        worker = import_module("huey.consumer").Worker(
            self._huey, threading.Event(), POLL, POLL, 1.0
        )

        def work() -> None:
            while True:
                worker.loop()

        threading.Thread(target=work, daemon=True).start()

    def publisher(self, count: int) -> Callable[[int], object]:
        """Commit the row, and enqueue after that, because a task has a transaction of its own."""
        connection: Any = connect(self.url)
        tasks = self._tasks[:count]
        start = begin(self.url)

        def publish(number: int) -> None:
            connection.execute(start)
            connection.execute(INSERT)
            connection.execute("COMMIT")
            for task in tasks:
                task(number)

        return publish

    def send_one(self) -> Callable[[int], object]:
        """Enqueue one task."""
        task = self._tasks[0]

        def send(number: int) -> None:
            task(number)
            time.sleep(0)

        return send
