"""Worker: calls the durable receivers of this program, until it is stopped."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from clarion._core.names import counted
from clarion.errors import ClarionError
from clarion.outbox import wake
from clarion.outbox.database import check_database
from clarion.outbox.notes import known_cure
from clarion.worker.async_loop import AsyncLoop
from clarion.worker.calls import Caller
from clarion.worker.connections import Connections
from clarion.worker.job_context import JobContext
from clarion.worker.job_threads import JobThreads
from clarion.worker.jobs import LONGEST_BATCH, SMALLEST_BATCH
from clarion.worker.late import LateCalls
from clarion.worker.leases import Leases
from clarion.worker.plans import Plans
from clarion.worker.polling import Polling
from clarion.worker.search import Search
from clarion.worker.settings import check_settings
from clarion.worker.sizes import Sizes
from clarion.worker.startup import check_outbox, warn_of_unknown
from clarion.worker.stop_signals import StopSignals
from clarion.worker.vacuum import Vacuum

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractContextManager
    from typing import Self

    from clarion.outbox.database import Database

LONGEST_PAUSE = 30.0  # seconds, after errors of the database

logger = logging.getLogger("clarion.worker")


class Worker:
    """Makes the stored deliveries to the durable receivers that this program has connected.

        Worker(open_database("sqlite:///outbox.db")).run()

    Several workers may serve one database, on one machine or on several. What a worker holds is
    leased. If it is killed, another one makes the delivery again after the lease.

    `with Worker(...)` and `async with Worker(...)` run it in a thread of this process, such as
    in the lifespan of an ASGI application.

    Args:
        database: the database with the outbox.
        receivers: the names of the receivers to serve; by default all that are connected.
        concurrency: how many jobs run at the same time, each in a thread. It is also how many
            deliveries an async receiver gets at the same time. Receivers take turns.
        batch: how many deliveries a job takes at a time at most.
        lease: how long a worker may hold a delivery without a renewal, in seconds.
        poll: the longest time between two searches for deliveries, in seconds.
        grace: how long the worker waits for running receivers after `stop`, in seconds.

    Attributes:
        database: the database.
        counts: how many deliveries were "made", "retried", "dead", "postponed", "skipped" and
            "lost" to another worker.

    Raises:
        ArgumentError: if a number is too small, or the first argument is not a database.
    """

    def __init__(
        self,
        database: Database,
        *,
        receivers: Sequence[str] | None = None,
        concurrency: int = 8,
        batch: int = 500,
        lease: float = 30.0,
        poll: float = 1.0,
        grace: float = 30.0,
    ) -> None:
        check_database(database, "Worker()")
        check_settings(concurrency=concurrency, batch=batch, lease=lease, poll=poll, grace=grace)
        self.database = database
        self.counts: Counter[str] = Counter()
        self._grace = grace
        self._connections = Connections(database)
        self._plans = Plans(database, receivers)
        self._leases = Leases(lease, self._connections)
        self._loop = AsyncLoop()
        self._polling = Polling(poll)
        self._job_threads = JobThreads(concurrency, self._on_end)
        self._stops = self._signals = 0
        self._pause = 0.0
        self._paused_until = 0.0
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._context = JobContext(
            self._connections,
            self._leases,
            self._plans,
            Caller(database),
            self._loop,
            Sizes(batch, LONGEST_BATCH, SMALLEST_BATCH),
            self.counts,
            concurrency,
            self._is_stopping,
            self._job_threads.is_first,
            self._job_threads.alone,
        )
        self._late_calls = LateCalls(self._context, self._job_threads.cooldowns, self._on_end)
        self._search = Search(self._context, self._job_threads)
        self._vacuum = Vacuum(self._connections, self.counts)

    # --- Run it

    def run(self) -> None:
        """Make deliveries until `stop` is called, or SIGTERM, SIGINT or SIGHUP comes.

        The first signal lets the receivers that are running finish, for as long as the grace period. A
        second signal ends the worker at once. A handler of the program's own is called at the end.

        Raises:
            TablesError: if the tables are missing, or have another version.
        """
        with self._open(ends_by_signal=True), self._listening():
            while not self._stops:
                self._step()
                self._polling.wait(self._job_threads.deadline())
            self._finish()

    def drain(self) -> Counter[str]:
        """Make every delivery that can be made now, also those that are stored meanwhile.

        Deliveries that wait for a retry or for their delay stay. A signal stops it as `run`, and acts on
        the program at the end: SIGINT raises KeyboardInterrupt, and SIGTERM ends the process.

        Returns:
            The counts, see `counts`.

        Raises:
            TablesError: if the tables are missing, or have another version.
        """
        return self._work(self._has_work)

    def once(self) -> Counter[str]:
        """Search once for deliveries, and make those that it finds.

        Each job ends when its receiver has no more deliveries, or after a few seconds. Signals act as in `drain`.

        Returns:
            The counts, see `counts`.

        Raises:
            TablesError: if the tables are missing, or have another version.
        """
        looks = iter([self._step])
        return self._work(lambda: next(looks, self._abandon_late_calls)() or self._is_busy())

    def _has_work(self) -> bool:
        """Look for deliveries; return whether there were any, or a job was running before."""
        # Before the search: a job that ends meanwhile may leave deliveries that it did not see.
        was_running = self._is_busy()
        return self._step() or was_running

    def _is_busy(self) -> bool:
        return bool(self._job_threads.jobs() or self._late_calls)

    def _work(self, has_work: Callable[[], bool]) -> Counter[str]:
        with self._open(ends_by_signal=False):
            while not self._stops and has_work():
                self._polling.wait(self._job_threads.deadline())
            self._finish()
        if self._error is not None:
            raise self._error
        return self.counts

    def stop(self) -> None:
        """Stop the worker after its running receivers; a second call stops it at once."""
        self._stops += 1
        self._polling.wake()

    def wake(self) -> None:
        """Make it look for deliveries now."""
        self._polling.wake()

    # --- Run it inside another program

    def start(self) -> None:
        """Run it in a thread of this process, until `stop`.

        If the database cannot be used or has no tables yet, the worker logs that and tries again.
        """
        thread = threading.Thread(target=self._run_until_stop, name="clarion-worker", daemon=True)
        thread.start()
        self._thread = thread

    def _run_until_stop(self) -> None:
        while not self._is_stopping():
            try:
                self.run()
            except Exception as error:  # noqa: BLE001  # the database may come back
                if self._is_stopping():
                    name = self.database.name
                    logger.info("%s could not be used when the worker ended: %s", name, error)
                    return
                self._on_error(error)
            while not self._is_stopping() and time.monotonic() < self._paused_until:
                self._polling.wait(self._paused_until)

    def _is_stopping(self) -> bool:
        return self._stops > 0

    def join(self, timeout: float | None = None) -> None:
        """Wait until a started worker has ended.

        Args:
            timeout: how long to wait at most, in seconds; without a limit if None.
        """
        if self._thread is not None:
            self._thread.join(timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self.join()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *error: object) -> None:
        import asyncio

        self.stop()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.join()  # another library runs the task, such as trio, and waits too
        else:
            await asyncio.to_thread(self.join)

    # --- One step after the other

    @contextmanager
    def _open(self, *, ends_by_signal: bool) -> Generator[None]:
        self._stops -= self._signals  # a program that has gone on after them runs it again
        with StopSignals(self.stop, ends_by_signal=ends_by_signal) as signals:
            try:
                self._begin()
                with signals.handled():
                    yield
            finally:
                self._end()
                self._signals = len(signals.received)

    def _begin(self) -> None:
        self._connections.open()
        with self._connections.take() as connection:
            check_outbox(self.database, connection)
            warn_of_unknown(connection, self._plans.missing())
        getattr(self.database, "warn_at_start", bool)()
        self._leases.start()
        wake.add_worker(self.wake)

    def _listening(self) -> AbstractContextManager[None]:
        """Let the database wake this worker, if it can."""
        listening = getattr(self.database, "listening", None)
        return nullcontext() if listening is None else listening(self.wake)

    def _step(self) -> bool:
        """Look for deliveries; return whether it has started a job."""
        self._abandon_late_calls()
        if time.monotonic() < self._paused_until or not self._job_threads.free:
            return False
        try:
            has_started = self._search.start_jobs()
            self._vacuum.start_if_due()
        except Exception as error:  # noqa: BLE001  # the database may come back
            self._on_error(error)
            return False
        if has_started:
            self._polling.poll_often()
        elif not self._job_threads.jobs():
            self._pause = 0.0
        return has_started

    def _abandon_late_calls(self) -> bool:
        """Abandon the calls that are over their time limit; return False."""
        for job, call in self._job_threads.abandon(time.monotonic()):
            self._late_calls.add(job, call)
        return False

    def _on_end(self, error: BaseException | None) -> None:
        if error is None:
            self._pause = 0.0
        else:
            self._on_error(error)
        self._polling.wake()

    def _on_error(self, error: BaseException) -> None:
        """Log an error of the database, and pause, for longer after each pause."""
        self._error = error
        now = time.monotonic()
        if now >= self._paused_until:  # otherwise another job has failed for the same reason
            self._pause = min(LONGEST_PAUSE, 2 * self._pause or 0.5)
            self._paused_until = now + self._pause
        cure = known_cure(error)
        logger.error(
            "%s could not be used, and is tried again in %.1f s: %s",
            self.database.name,
            self._paused_until - now,
            cure or error,
            exc_info=None if cure or isinstance(error, ClarionError) else error,
        )

    def _finish(self) -> None:
        """Wait for the jobs that run; after the grace period, hand back what they hold."""
        ends = time.monotonic() + self._grace
        while self._is_busy() and self._stops < 2 and time.monotonic() < ends:  # noqa: PLR2004
            self._abandon_late_calls()
            self._polling.wait(self._job_threads.deadline())
        if not (left := self._job_threads.jobs()):
            return
        self._loop.cancel()
        logger.warning(
            "The grace period is over. What %s held is handed back.",
            counted(len(left), "job", "jobs"),
        )
        with self._connections.take() as connection:
            for job in left:
                if job.holding is not None:
                    self._leases.remove(job.holding)
                job.hand_back(connection)

    def _end(self) -> None:
        wake.remove_worker(self.wake)
        self._leases.stop()
        self._vacuum.wait()
        self._loop.close()
        self._connections.close()
        if (close_idle := getattr(self.database, "close_idle", None)) is not None:
            close_idle()
