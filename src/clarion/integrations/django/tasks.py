"""DjangoTasksDelivery: receivers that a backend of django.tasks carries out.

Django 6 has `django.tasks`. Django 5.2 needs the package django-tasks.
"""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import OperationalError, connections, router, transaction
from django.utils import timezone

from clarion._core.loops import is_loop_running
from clarion._core.names import keyword_names, quoted_name, value_name
from clarion.background import Engine, EngineDelivery, check_engine_options, check_numbers
from clarion.background import deliver as call_receiver
from clarion.background.apart import call_apart, has_transaction
from clarion.background.delivery import HOLD
from clarion.errors import ArgumentError, MissingExtraError
from clarion.integrations.django.dispatch.policy import DJANGO
from clarion.integrations.django.outbox.connection import AsyncDjangoConnection, DjangoConnection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clarion.background import Call, CallOptions

try:
    # Pyright may see Django 5.2.
    from django import tasks  # pyright: ignore[reportAttributeAccessIssue]
    from django.tasks.exceptions import (  # pyright: ignore[reportMissingImports]
        InvalidTask,
        InvalidTaskBackend,
    )
except ImportError:
    try:
        import django_tasks as tasks
        from django_tasks.exceptions import InvalidTaskBackendError as InvalidTaskBackend
        from django_tasks.exceptions import InvalidTaskError as InvalidTask
    except ImportError as error:
        raise MissingExtraError.because(
            error, "django_tasks", "django-tasks", needed_by=__name__
        ) from error

__all__ = ["DjangoTasksDelivery", "deliver"]

logger = logging.getLogger("clarion.background")

_OPTIONS = frozenset({"priority", "queue_name"})
_INSTEAD = {
    "backend": "Name it in DjangoTasksDelivery(alias)",
    "run_after": "Use delay=, a number of seconds",
}

_LOSS = (
    "django.tasks makes a call once. A call whose receiver fails or is unknown to the worker, or whose "
    "worker is killed, is not made again. Use durable() for work that must not be lost."
)
_DUMMY = (
    "The DummyBackend of django.tasks keeps calls in memory and makes none. Set another BACKEND in TASKS, "
    "except in tests."
)


def _as_task(function: Any) -> Any:
    """Return a function as a task for any of the backends in the settings."""
    aliases = [*tasks.task_backends]
    alias = aliases[0] if aliases and "default" not in aliases else "default"
    backend: Any = tasks.task_backends[alias]
    queues = backend.queues
    queue = "default" if not queues or "default" in queues else min(queues)
    return tasks.task(backend=alias, queue_name=queue, takes_context=True)(function)


@_as_task
def deliver(context: Any, *, receiver: str, call_body: str) -> None:  # noqa: ARG001
    """Call a receiver in a worker.

    Args:
        context: the context of the task.
        receiver: its stable name, for the admin page.
        call_body: the body of the call.
    """
    call_receiver(call_body, max(1, context.attempt))


class DjangoTasksEngine(Engine):
    """Gives calls to a backend of django.tasks.

    Args:
        alias: the backend, as the setting TASKS names it.
        hold: how long a commit may wait for a connection beside the one of its thread, in seconds.
    """

    name = "django.tasks"
    in_transaction = True

    def __init__(self, alias: str, hold: float) -> None:
        self.alias = alias
        self._hold = hold
        try:
            _ = self.backend
        except InvalidTaskBackend as error:
            cure = f"Name a backend in the setting TASKS: {', '.join(map(quoted_name, tasks.task_backends))}"
            if alias in tasks.task_backends:
                cure = f"{str(error).rstrip('.')}. Correct its BACKEND in the setting TASKS, or install the package"
            raise ArgumentError(
                f"DjangoTasksDelivery was given {quoted_name(alias)}. {cure}.", ["alias"]
            ) from error

    @property
    def backend(self) -> Any:
        """The backend that the settings name now; a test may override them."""
        return tasks.task_backends[self.alias]

    def enqueue(self, call: Call) -> None:
        """Enqueue the task in this thread, which holds Django's connections.

        A sync commit may run in the thread of an event loop, where Django refuses its connections. Or the
        database of the tasks is in a transaction that may be rolled back later than the one of the send was
        committed. Then the task is enqueued in a thread of its own, and the commit waits for it.
        """
        self.enqueue_for(call, self._hold)

    def enqueue_for(self, call: Call, seconds: float) -> None:
        """Enqueue the task as `enqueue`, and wait for a thread of its own not longer than a time."""
        alias = self._database()
        is_refused = is_loop_running()
        is_open = alias is not None and has_transaction(connections[alias])
        if self._is_immediate or not (is_refused or is_open):
            self._enqueue(call)
            return
        enqueue = partial(self._enqueue_beside, call, alias if is_open else None)
        try:
            call_apart(enqueue, connections, alias, call, seconds)
        except OperationalError:
            if is_refused or connections[alias].vendor != "sqlite":
                raise
            self._enqueue_inside(call, alias)

    def _enqueue(self, call: Call) -> None:
        self._task(call.delay, call.options).enqueue(**_arguments(call))

    def _enqueue_beside(self, call: Call, alias: str | None) -> None:
        """Enqueue the task on a new connection, beside the open transaction to a database."""
        if alias is not None and connections[alias].vendor == "sqlite":
            # That transaction waits here. If it holds the lock of the database, no time is enough.
            with connections[alias].cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 200")
        self._enqueue(call)

    def _enqueue_inside(self, call: Call, alias: str | None) -> None:
        logger.warning(
            "A call of %s is in the open transaction of the database %s, because SQLite has one writer",
            call.receiver,
            alias,
        )
        savepoint: Any = transaction.atomic(using=alias)
        with savepoint:  # an error leaves the open transaction usable
            self._enqueue(call)

    async def aenqueue(self, call: Call) -> None:
        """Enqueue the task in a coroutine."""
        if self._database() is None:
            await self._task(call.delay, call.options).aenqueue(**_arguments(call))
        else:
            await DJANGO.run_in_thread(partial(self.enqueue, call))

    def enqueue_in(self, call: Call, connection: Any) -> bool:
        """Enqueue the task in the transaction of the send, if the backend uses its database."""
        if not isinstance(connection, DjangoConnection) or self._database() != connection.alias:
            return False
        self._enqueue(call)
        return True

    async def aenqueue_in(self, call: Call, connection: Any) -> bool:
        """Enqueue the task as `enqueue_in`, in the transaction of an `asend`."""
        if not isinstance(connection, AsyncDjangoConnection):
            return self.enqueue_in(call, connection)
        if self._database() != connection.alias:
            return False
        await DJANGO.run_in_thread(partial(self._enqueue, call))
        return True

    def check(self, options: CallOptions) -> None:
        """Refuse retries, and options that `Task.using` or the backend does not have."""
        given = options.engine
        check_engine_options(self.name, given, _OPTIONS, _INSTEAD)
        check_numbers(self.name, given, ["priority"])
        if options.retries:
            raise ArgumentError(
                "django.tasks has no retries. Leave retries= out, or use durable(retries=...).",
                ["retries"],
            )
        try:
            self._task(options.delay, given)
        except _refusals() as error:
            names = [*given, *(["delay"] if options.delay else [])]
            raise ArgumentError(
                f"The backend {quoted_name(self.alias)} of django.tasks does not take "
                f"{keyword_names(names) or 'the default queue'}: "
                f"{str(error).rstrip('.')}. Change the option, or the backend in TASKS.",
                names,
            ) from error

    def losses(self) -> Sequence[str]:
        """Return the warning that calls are not made again."""
        if self._is_immediate:
            return ()
        return [_DUMMY if type(self.backend).__name__ == "DummyBackend" else _LOSS]

    @property
    def _is_immediate(self) -> bool:
        return type(self.backend).__name__ == "ImmediateBackend"

    def _task(self, delay: float, options: Mapping[str, Any]) -> Any:
        run_after = timezone.now() + timedelta(seconds=delay) if delay else None
        return deliver.using(backend=self.alias, run_after=run_after, **options)

    def _database(self) -> str | None:
        """Return the alias of the database of the tasks, if the backend keeps them in one of Django's."""
        if "django_tasks_db.backend" not in {
            each.__module__ for each in type(self.backend).__mro__
        }:
            return None
        model: Any = apps.get_model("django_tasks_database", "DBTaskResult")
        alias: str = router.db_for_write(model)
        return alias


def _refusals() -> tuple[type[Exception], ...]:
    """Return the exceptions by which backends refuse a task.

    Some packages for Django 6 derive their backends from those of django-tasks, which have another one.
    """
    package: Any = sys.modules.get("django_tasks.exceptions")
    others = () if package is None else (package.InvalidTaskError,)
    return (InvalidTask, TypeError, ValueError, *others)


class DjangoTasksDelivery(EngineDelivery):
    """Hand a receiver to a backend of django.tasks: in the transaction of the send, or after its commit.

        tasks = DjangoTasksDelivery()

        @receiver(order_paid, delivery=tasks)
        @receiver(order_paid, delivery=tasks(queue_name="mail", priority=10))

    With the backend of django-tasks-db, a send in a transaction of its database inserts the task there.
    The task is committed or rolled back with this transaction. Otherwise the task is enqueued after
    the commit, as `EngineDelivery` describes.

    The options `queue_name` and `priority` go to the task. `delay` needs a backend with `run_after`.
    django.tasks has no retries and keeps no order, so `retries` and `key` are refused.

    Args:
        alias: the backend, as the setting TASKS names it.
        hold: see `EngineDelivery`. Backends are called in the thread that commits. So `hold` limits only
            coroutines, and a task that is enqueued apart from another open transaction.

    Raises:
        ArgumentError: if TASKS has no such backend.
    """

    def __init__(self, alias: str = "default", *, hold: float = HOLD) -> None:
        if type(alias) is not str:
            raise ArgumentError(
                f"DjangoTasksDelivery was given {value_name(alias)}. Give the alias of a backend in the "
                f"setting TASKS.",
                ["alias"],
            )
        super().__init__(DjangoTasksEngine(alias, hold), hold=hold)

    def check_via(self, *, has_key: bool) -> None:
        """Refuse to hand a stored delivery over: see `EngineDelivery`.

        Raises:
            ArgumentError: always. The `ImmediateBackend` does not raise what a receiver raises, so a
                failed delivery would count as made.
        """
        super().check_via(has_key=has_key)
        raise ArgumentError(
            f"durable(via=...) hands over to django.tasks once, so nothing may be lost there: {_LOSS}",
            ["via"],
        )


def _arguments(call: Call) -> dict[str, str]:
    # PostgreSQL sorts the keys of jsonb by length, so the receiver is shown first.
    return {"receiver": call.receiver, "call_body": call.body}
