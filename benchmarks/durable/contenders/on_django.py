"""Two peers that need Django: django-domain-events, and django-tasks-db."""

from __future__ import annotations

import os
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.durable.contender import INSERT, Contender
from benchmarks.durable.contenders.django_settings import migrate, set_up, unmigrate

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 500
DJANGO = ("contenttypes", "auth")


def receive(number: int) -> None:
    """Do nothing."""


class OnDjango(Contender):
    """A contender whose sends are in `transaction.atomic()`."""

    def publisher(self, count: int) -> Callable[[int], object]:
        """Insert the row and send."""
        database: Any = import_module("django.db")
        send = self.sender(count)

        def publish(number: int) -> None:
            with database.transaction.atomic():
                with database.connection.cursor() as cursor:
                    cursor.execute(INSERT)
                send(number)

        return publish

    def send_one(self) -> Callable[[int], object]:
        """Send to one receiver."""
        atomic: Any = import_module("django.db.transaction").atomic
        send = self.sender(1)

        def send_and_commit(number: int) -> None:
            with atomic():
                send(number)

        return send_and_commit

    def sender(self, count: int) -> Callable[[int], object]:
        """Return what sends a number to some receivers."""
        raise NotImplementedError


class DomainEvents(OnDjango):
    """django-domain-events. Its deliveries have no order by a key."""

    name = "django-domain-events"
    distribution = "django-domain-events"

    def prepare(self) -> None:
        """Set Django up; let each commit notify the relay."""
        options = {"BATCH_SIZE": BATCH, "NOTIFY_COALESCE_SECONDS": 0}
        apps = [f"django.contrib.{name}" for name in DJANGO]
        set_up(self.url, *apps, "django_domain_events", DJANGO_DOMAIN_EVENTS=options)
        self._library: Any = import_module("django_domain_events")
        self._note: Callable[[int], object] = int
        self._events = {count: self._declared(count) for count in (1, 3, 10)}

    def _declared(self, count: int) -> Any:
        from dataclasses import make_dataclass

        kind = make_dataclass(f"Paid{count}", [("number", int)], frozen=True)
        event = self._library.event(name=f"bench.paid{count}")(kind)
        for place in range(count):

            def noted(sent: Any) -> None:
                self._note(sent.number)

            self._library.receiver(event, key=f"bench.{count}.{place}")(noted)
        return event

    def create(self) -> None:
        """Migrate."""
        migrate()

    def drop(self) -> None:
        """Drop the tables."""
        unmigrate("django_domain_events", *DJANGO)

    def fill(self, rows: int, *, keyed: bool) -> None:
        """Fire events in one transaction."""
        send = self.sender(1)
        with import_module("django.db.transaction").atomic():
            for number in range(rows):
                send(number)

    def drain(self, *, keyed: bool) -> None:
        """Run its relay until it would wait."""
        ended = threading.Event()

        def wait(seconds: float) -> bool:
            ended.set()
            return False

        self._library.run_relay(worker_id=f"bench:{os.getpid()}", wait=wait, stop=ended.is_set)

    def serve(self, note: Callable[[int], None]) -> None:
        """Run its relay in a thread."""
        self._note = note
        work = self._library.run_relay
        options = {"worker_id": f"bench:{os.getpid()}"}
        threading.Thread(target=work, kwargs=options, daemon=True).start()

    def sender(self, count: int) -> Callable[[int], object]:
        """Fire one event."""
        if not count:
            return int
        fire, event = self._library.fire, self._events[count]
        return lambda number: fire(event(number=number))


class TasksDb(OnDjango):
    """django-tasks-db: only its enqueue."""

    name = "django-tasks-db"
    distribution = "django-tasks-db"
    dialects = ("postgresql", "sqlite")
    drains = False

    def prepare(self) -> None:
        """Set Django up."""
        tasks = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
        set_up(self.url, "django_tasks_db", TASKS=tasks)
        # A worker finds the task by its module and name.
        self._task: Any = import_module("django.tasks").task()(receive)
        globals()["receive"] = self._task

    def create(self) -> None:
        """Migrate."""
        migrate()

    def drop(self) -> None:
        """Drop the tables."""
        unmigrate("django_tasks_database")

    def sender(self, count: int) -> Callable[[int], object]:
        """Enqueue a task for each receiver."""
        enqueue = self._task.enqueue

        def send(number: int) -> None:
            for _ in range(count):
                enqueue(number)

        return send
