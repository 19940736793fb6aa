"""ProcrastinateDelivery: receivers that procrastinate carries out, in the transaction of the send."""

from __future__ import annotations

import sys
from asyncio import CancelledError
from datetime import UTC, datetime, timedelta
from functools import partial
from inspect import iscoroutinefunction
from math import isfinite
from typing import TYPE_CHECKING, Any

from clarion._core.loops import run_in_thread
from clarion._core.names import value_name
from clarion.background import (
    Engine,
    EngineDelivery,
    adeliver,
    check_engine_options,
    retry_after,
)
from clarion.background.delivery import HOLD
from clarion.background.options import check_kinds
from clarion.errors import ArgumentError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from procrastinate.jobs import Job, JobDeferrer

    from clarion.background import Call, CallOptions

try:
    import psycopg
    from procrastinate import App, JobContext, PsycopgConnector, SyncPsycopgConnector
    from procrastinate.exceptions import JobAborted
    from procrastinate.manager import JobManager
    from procrastinate.retry import BaseRetryStrategy, RetryDecision
    from procrastinate.tasks import ConfigureTaskOptions
    from psycopg.rows import tuple_row
except ImportError as error:
    raise MissingExtraError.because(error, "procrastinate", "procrastinate") from error

__all__ = ["ProcrastinateDelivery"]

CARRIER = "clarion.deliver"
RESCUE = "clarion.rescue"

SILENCE = 30.0  # seconds

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

# A table of one database of one running server. The time has microseconds. As a number, because
# sessions show a time in their own zone and style.
_PLACE = (
    "SELECT extract(epoch FROM pg_postmaster_start_time())::text, current_database()::text, "
    "to_regclass('procrastinate_jobs')::oid::bigint"
)

_LOSS = (
    "The job of a procrastinate worker that is killed stays in the state 'doing' and is not run again. "
    "Leave out rescue=None of ProcrastinateDelivery, so that another worker runs it."
)


async def carry(context: JobContext, receiver: str, call_body: str) -> None:  # noqa: ARG001
    """Call a receiver in a worker.

    Args:
        context: the context of the job.
        receiver: its stable name, for the log and the admin page.
        call_body: the body of the call.

    Raises:
        JobAborted: if the job was aborted, or the worker stops.
    """
    try:
        await adeliver(call_body, context.job.attempts + 1)
    except CancelledError as error:
        # procrastinate then runs it again if the worker stops, but not if a user has aborted it.
        raise JobAborted from error


class Retries(BaseRetryStrategy):
    """Tries a call again as its body says."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when a job is run again; None if it is given up."""
        if isinstance(exception, JobAborted):
            return RetryDecision()
        wait = retry_after(str(job.task_kwargs["call_body"]), exception, job.attempts + 1)
        if wait is None:
            return None
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=wait))


def _rescue(silence: float) -> Any:
    async def rescue(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
        """Run the calls of killed workers again."""
        manager = context.app.job_manager
        stalled = await manager.get_stalled_jobs(task_name=CARRIER, seconds_since_heartbeat=silence)
        for job in stalled:
            await manager.retry_job(job)

    return rescue


def _register(app: App, silence: float | None) -> None:
    """Register the tasks with an app, once."""
    if CARRIER not in app.tasks:  # pyright: ignore[reportUnknownMemberType]
        app.task(name=CARRIER, pass_context=True, retry=Retries())(carry)
    if silence is not None and RESCUE not in app.tasks:  # pyright: ignore[reportUnknownMemberType]
        task = app.task(name=RESCUE, pass_context=True, queueing_lock=RESCUE)(_rescue(silence))
        app.periodic(cron="* * * * *")(task)


class ProcrastinateEngine(Engine):
    """Gives calls to the jobs of procrastinate.

    Args:
        app: the app.
    """

    name = "procrastinate"
    keeps_order = True
    in_transaction = True

    def __init__(self, app: App) -> None:
        self.app = app
        self._table = _Table(app)

    @property
    def holds_thread(self) -> bool:  # type: ignore[override]
        """Whether `enqueue` may wait for a connection of a pool that any thread can use."""
        return isinstance(self.app.connector.get_sync_connector(), SyncPsycopgConnector)

    def enqueue(self, call: Call) -> None:
        """Insert a job."""
        self._configured(call).defer(**_arguments(call))

    async def aenqueue(self, call: Call) -> None:
        """Insert a job in a coroutine; in a thread if the app is open for sync code."""
        if self.holds_thread:
            await run_in_thread(partial(self.enqueue, call))
        else:
            await self._configured(call).defer_async(**_arguments(call))

    def enqueue_in(self, call: Call, connection: Any) -> bool:
        """Insert a job in the transaction of the send, if its database is that of the app."""
        raw = _driver_connection(connection)
        if _waits(call, raw):
            return False
        is_psycopg = isinstance(raw, _CONNECTION)
        if is_psycopg and not self._table.is_in(raw):
            return False
        if _alias_of(connection) == getattr(self.app.connector, "alias", ""):
            self.enqueue(call)  # on Django's connection
            return True
        if not is_psycopg:
            return False
        deferrer = self._configured(call, connection=raw)
        deferrer.job_manager = JobManager(SyncPsycopgConnector())  # the app need not be open
        deferrer.defer(**_arguments(call))
        return True

    async def aenqueue_in(self, call: Call, connection: Any) -> bool:
        """Insert a job as `enqueue_in`, in the transaction of an `asend`."""
        if _is_in_thread(connection):
            # procrastinate depends on asgiref.
            from asgiref.sync import sync_to_async

            return await sync_to_async(self.enqueue_in, thread_sensitive=True)(call, connection)
        raw = _driver_connection(connection)
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

    def _configured(self, call: Call, **more: Any) -> JobDeferrer:
        options: dict[str, Any] = {**call.options, **more}
        if call.key is not None:
            options["lock"] = f"{call.receiver}/{call.key}"
        if call.delay:
            options["schedule_in"] = {"seconds": call.delay}
        return self.app.configure_task(CARRIER, **options)


class _Table:
    """Recognises the transactions in which jobs of an app can be inserted.

    It asks at each send, because any statement may change the search path of a connection.

    Args:
        app: the app.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._connector: Any = None
        self._is_ours: dict[Any, bool] = {}  # by place

    def is_in(self, raw: Any) -> bool:
        """Return whether a connection sees the table of the app."""
        with raw.cursor(row_factory=tuple_row) as cursor:
            place = cursor.execute(_PLACE).fetchone()
        known = self._known(place)
        return self._look_up(place) if known is None else known

    async def ais_in(self, raw: Any) -> bool:
        """Return whether an async connection sees the table of the app."""
        async with raw.cursor(row_factory=tuple_row) as cursor:
            place = await (await cursor.execute(_PLACE)).fetchone()
        known = self._known(place)
        return await run_in_thread(partial(self._look_up, place)) if known is None else known

    def _known(self, place: Any) -> bool | None:
        if self._connector is not self._app.connector:  # a test has replaced it
            self._connector, self._is_ours = self._app.connector, {}
        return False if place[-1] is None else self._is_ours.get(place)

    def _look_up(self, place: Any) -> bool:
        self._is_ours[place] = is_ours = bool(_place_of(self._app) == place)
        return is_ours


class ProcrastinateDelivery(EngineDelivery):
    """Hand a receiver to procrastinate: in the transaction of the send, or after its commit.

        procrastinate = ProcrastinateDelivery(app)

        @receiver(order_paid, delivery=procrastinate)
        @receiver(order_paid, delivery=procrastinate(queue="mail", retries=5, key="order_id"))

    If the send is in a transaction of the app's database, the job is inserted there, and is committed
    or rolled back with it. This works with psycopg, with SQLAlchemy on psycopg, and with Django.
    Otherwise it is inserted after the commit, as `EngineDelivery` describes.

    The options `queue`, `priority`, `lock` and `queueing_lock` go to `configure_task`. With `key`, the
    lock is the name of the receiver and the key. A job with a `queueing_lock` is inserted after the
    commit, because a conflict would abort the transaction.

    Args:
        app: the app. It gets the task "clarion.deliver".
        rescue: the time without a heartbeat of a worker after which its calls run again, in seconds.
            The periodic task "clarion.rescue" does it. None leaves the task out.
        hold: see `EngineDelivery`.

    Raises:
        ArgumentError: if `app` is no app.
    """

    def __init__(self, app: App, *, rescue: float | None = SILENCE, hold: float = HOLD) -> None:
        # The app of a Django project is a proxy.
        if not callable(getattr(app, "configure_task", None)):
            raise ArgumentError(
                f"ProcrastinateDelivery was given {value_name(app)}. Give the App of procrastinate.",
                ["app"],
            )
        is_time = type(rescue) in {int, float} and rescue is not None and isfinite(rescue)
        if rescue is not None and not (is_time and rescue > 0):
            raise ArgumentError(
                f"ProcrastinateDelivery was given rescue={value_name(rescue)}. Give the seconds after "
                f"which a silent worker counts as killed, or None.",
                ["rescue"],
            )
        super().__init__(ProcrastinateEngine(app), hold=hold)
        _register(app, rescue)


def _arguments(call: Call) -> dict[str, Any]:
    # PostgreSQL sorts the keys of jsonb by length, so the receiver is shown first.
    return {"receiver": call.receiver, "call_body": call.body}


def _alias_of(connection: Any) -> str | None:
    """Return the alias of a connection of Django's; None for any other."""
    alias = getattr(connection, "alias", None)
    return alias if type(alias) is str else None


def _is_in_thread(connection: Any) -> bool:
    """Return whether a connection of Django belongs to asgiref's thread for sync code."""
    return _alias_of(connection) is not None and iscoroutinefunction(connection.rows)


def _waits(call: Call, raw: Any) -> bool:
    # PostgreSQL prepares no two-phase transaction that has notified, as each new job does.
    return bool(call.options.get("queueing_lock")) or getattr(raw, "_tpc", None) is not None


def _driver_connection(connection: Any) -> Any:
    """Return the connection of the driver that a boundary writes on."""
    if (alias := _alias_of(connection)) is not None:
        return sys.modules["django.db"].connections[alias].connection
    core = getattr(connection, "sync_connection", connection)  # of an AsyncConnection
    return getattr(getattr(core, "connection", None), "driver_connection", core)


def _place_of(app: App) -> tuple[Any, ...] | None:
    """Return the place of the table of an app; None if it is not known.

    Raises:
        AppNotOpen: if the app is not open.
    """
    # A connection of its own: the pool may belong to an event loop, and Django's may have been changed.
    arguments: dict[str, Any] = {}
    if (alias := getattr(app.connector, "alias", None)) is not None:
        arguments |= sys.modules["django.db"].connections[alias].get_connection_params()
        arguments.pop("pool", None)
    else:
        pool: Any = getattr(app.connector.get_sync_connector(), "pool", None)
        if pool is None or callable(pool.conninfo) or callable(pool.kwargs):
            return None  # in memory, or the arguments may be coroutines
        arguments |= {"conninfo": pool.conninfo or "", **(pool.kwargs or {})}
    arguments["autocommit"] = True
    with psycopg.connect(**arguments) as raw:
        return raw.cursor(row_factory=tuple_row).execute(_PLACE).fetchone()
