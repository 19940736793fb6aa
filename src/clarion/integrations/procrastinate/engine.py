"""Insert the jobs of procrastinate: in the transaction of the send, or after its commit."""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.connector import BaseAsyncConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import ConfigureTaskOptions
from procrastinate.testing import InMemoryConnector

from clarion._core.loops import is_loop_running, run_in_thread
from clarion.background import Engine, check_engine_options
from clarion.background.apart import call_apart, has_transaction
from clarion.background.monitoring import TASK
from clarion.background.options import check_kinds
from clarion.errors import ArgumentError, HandOverError
from clarion.integrations.procrastinate.connections import (
    alias_of,
    django_connections,
    driver_connection,
    in_sync_thread,
    is_in_thread,
)
from clarion.integrations.procrastinate.jobs import RESCUE
from clarion.integrations.procrastinate.table import Table, arguments_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from procrastinate.jobs import JobDeferrer

    from clarion.background import Call, CallOptions

_CONNECTION: Any = psycopg.Connection
_ASYNC_CONNECTION: Any = psycopg.AsyncConnection

_OPTIONS = frozenset(ConfigureTaskOptions.__annotations__)
_KINDS = {"lock": str, "priority": int, "queue": str, "queueing_lock": str}

# The options of `configure_task` that a delivery does not take.
_INSTEAD = {
    "connection": "The call is written on the connection of the send",
    "schedule_at": "Use delay=, a number of seconds",
    "schedule_in": "Use delay=, a number of seconds",
    "task_kwargs": "The receiver gets the keywords of the send",
}

_LOSS = (
    "The job of a procrastinate worker that is killed stays in the state 'doing' and is not run again. "
    "Leave out rescue=None of ProcrastinateDelivery, so that another worker runs it."
)


class ProcrastinateEngine(Engine):
    """Gives calls to the jobs of procrastinate.

    Args:
        app: the app.
        hold: how long a commit may wait for a connection beside the one of its thread, in seconds.
    """

    name = "procrastinate"
    keeps_order = True
    in_transaction = True

    def __init__(self, app: App, hold: float) -> None:
        self.app = app
        self._hold = hold
        self._table = Table(app)

    @property
    def holds_thread(self) -> bool:  # type: ignore[override]
        """Whether `enqueue` may wait for a connection of a pool that any thread can use."""
        return not isinstance(self.app.connector.get_sync_connector(), BaseAsyncConnector)

    def enqueue(self, call: Call) -> None:
        """Insert a job; on a connection of its own if Django's may be rolled back later."""
        self.enqueue_for(call, self._hold)

    def enqueue_for(self, call: Call, seconds: float) -> None:
        """Insert a job as `enqueue`, and wait for a connection of its own not longer than a time."""
        alias = self._alias
        if alias is not None:
            connections = django_connections()
            # Django refuses its connections in the thread of an event loop.
            if is_loop_running() or has_transaction(connections[alias]):
                call_apart(partial(self._insert, call), connections, alias, call, seconds)
                return
        self._insert(call)

    async def aenqueue(self, call: Call) -> None:
        """Insert a job in a coroutine; in a thread if the app is open for sync code, or Django's."""
        if self._alias is not None:
            await in_sync_thread(self.enqueue, call)
        elif self.holds_thread:
            await run_in_thread(partial(self.enqueue, call))
        else:
            await self._configured(call).defer_async(**_arguments(call))

    def enqueue_in(self, call: Call, connection: Any) -> bool:
        """Insert a job in the transaction of the send, if its database is that of the app."""
        raw = driver_connection(connection)
        if _waits(call, raw):
            return False
        is_psycopg = isinstance(raw, _CONNECTION)
        if is_psycopg and not self._table.is_in(raw):
            return False
        if self._alias is not None and alias_of(connection) == self._alias:
            self._insert(call)  # on Django's connection
            return True
        if not is_psycopg:
            return False
        self._insert_on(raw, call)
        return True

    async def aenqueue_in(self, call: Call, connection: Any) -> bool:
        """Insert a job as `enqueue_in`, in the transaction of an `asend`."""
        if is_in_thread(connection):
            return await in_sync_thread(self.enqueue_in, call, connection)
        raw = driver_connection(connection)
        if not isinstance(raw, _ASYNC_CONNECTION):
            return self.enqueue_in(call, connection)
        if _waits(call, raw) or not await self._table.ais_in(raw):
            return False
        deferrer = self._configured(call, connection=raw)
        deferrer.job_manager = JobManager(PsycopgConnector())
        await deferrer.defer_async(**_arguments(call))
        return True

    def check(self, options: CallOptions) -> None:
        """Refuse options that `configure_task` does not have, or that the delivery sets."""
        given = options.engine
        check_engine_options(self.name, given, _OPTIONS - _INSTEAD.keys(), _INSTEAD)
        check_kinds(self.name, given, _KINDS)
        if options.key is not None and given.get("lock") is not None:
            raise ArgumentError(
                "ProcrastinateDelivery was given key and lock, and the key is kept by a lock. Leave one "
                "out.",
                ["key", "lock"],
            )

    def losses(self) -> Sequence[str]:
        """Return what is lost without the rescue of stalled jobs."""
        return () if RESCUE in self.app.tasks else [_LOSS]  # pyright: ignore[reportUnknownMemberType]

    @property
    def _alias(self) -> str | None:
        """The database of the app in Django's settings; None if its connector is not Django's."""
        return getattr(self.app.connector, "alias", None)

    def _insert(self, call: Call) -> None:
        # The pool of an app that is open for coroutines belongs to their loop. Another thread that waits for
        # its connections may wait forever, and so does the thread of that loop.
        is_pooled = self._alias is None and not self.holds_thread
        arguments = arguments_of(self.app) if is_pooled else None
        if arguments is not None:
            arguments.setdefault("connect_timeout", ceil(self._hold))
            with psycopg.connect(**arguments) as raw:
                self._insert_on(raw, call)
        elif is_pooled and is_loop_running():
            self._insert_at_once(call)
        else:
            self._configured(call).defer(**_arguments(call))

    def _insert_at_once(self, call: Call) -> None:
        """Insert a job on an event loop, without waiting for it.

        Raises:
            HandOverError: if the connector has to wait.
        """
        is_in_memory = isinstance(self.app.connector, InMemoryConnector)
        if not (
            is_in_memory
            and _is_done_at_once(self._configured(call).defer_async(**_arguments(call)))
        ):
            raise HandOverError(
                f"Sync code cannot hand {call.receiver} to procrastinate on an event loop, which may be that of "
                f"the app's {type(self.app.connector).__name__}. Send by asend and commit by an async session, "
                f"or do both in a thread.",
                call.receiver,
            )

    def _insert_on(self, raw: Any, call: Call) -> None:
        deferrer = self._configured(call, connection=raw)
        deferrer.job_manager = JobManager(SyncPsycopgConnector())  # the app need not be open
        deferrer.defer(**_arguments(call))

    def _configured(self, call: Call, **more: Any) -> JobDeferrer:
        options: dict[str, Any] = {**call.options, **more}
        if call.key is not None:
            options["lock"] = f"{call.receiver}/{call.key}"
        if call.delay:
            options["schedule_in"] = {"seconds": call.delay}
        return self.app.configure_task(TASK, **options)


def _is_done_at_once(coroutine: Coroutine[Any, Any, object]) -> bool:
    """Run a coroutine that waits for nothing, and return whether it has ended."""
    try:
        coroutine.send(None)
    except StopIteration:
        return True
    coroutine.close()
    return False


def _arguments(call: Call) -> dict[str, Any]:
    # PostgreSQL sorts the keys of jsonb by length, so the receiver is shown first.
    return {"receiver": call.receiver, "call_body": call.body}


def _waits(call: Call, raw: Any) -> bool:
    # PostgreSQL prepares no two-phase transaction that has notified, as each new job does.
    return bool(call.options.get("queueing_lock")) or getattr(raw, "_tpc", None) is not None
