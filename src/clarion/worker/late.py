"""Receivers that are over their time limit: end their transactions, and record them as failed."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from clarion._core.fork import new_lock
from clarion.worker.batch import Outcome
from clarion.worker.settler import Settler

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.worker.cooldowns import Cooldowns
    from clarion.worker.job_context import JobContext
    from clarion.worker.jobs import Job
    from clarion.worker.running import Call

MOST_THREADS = 8


class LateCalls:
    """The calls over their time limit, whose ends may take seconds each.

    They end in threads of their own, so the worker looks for deliveries meanwhile. Their leases are
    renewed until they are recorded, so no other worker makes the deliveries meanwhile.

    Args:
        context: what the jobs of the worker share.
        cooldowns: the receivers and partitions that get no new job for a while.
        on_end: called after each call, with the error of the database or None.
    """

    def __init__(
        self,
        context: JobContext,
        cooldowns: Cooldowns,
        on_end: Callable[[BaseException | None], object],
    ) -> None:
        self._context = context
        self._cooldowns = cooldowns
        self._on_end = on_end
        self._waiting: deque[tuple[Job, Call]] = deque()
        self._threads = 0
        self._lock = new_lock()

    def __bool__(self) -> bool:
        """Return whether a call is not recorded yet."""
        return self._threads > 0

    def add(self, job: Job, call: Call) -> None:
        """End a call and record it, soon."""
        with self._lock:
            self._waiting.append((job, call))
            if self._threads >= MOST_THREADS:
                return
            self._threads += 1
        # A daemon: a database that does not answer must not keep the process.
        thread = threading.Thread(target=self._run, name="clarion-late", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads
            self._run()

    def _run(self) -> None:
        while (late := self._next()) is not None:
            self._on_end(self._record(*late))
        self._on_end(None)  # the worker may wait for the last thread

    def _next(self) -> tuple[Job, Call] | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._threads -= 1
            return None

    def _record(self, job: Job, call: Call) -> BaseException | None:
        """End a call, record it as failed, and hand back the rest of its job."""
        if (holding := job.holding) is None:
            return None
        error = TimeoutError(f"The receiver took longer than {call.plan.options.timeout} s.")
        leases = self._context.leases
        try:
            if call.end is not None:
                call.end()  # otherwise its row stays locked
            with self._context.connections.take() as connection:
                settler = Settler(connection, job.receiver, holding, self._context.counts)
                settler.add(Outcome(call.claim, call.plan, error))
                leases.remove(holding)  # a renewal would lease again what is handed back
                job.hand_back(connection)
            # Meanwhile other jobs may have found its deliveries, but not taken them.
            self._cooldowns.note(job.place, has_worked=True)
        except Exception as raised:  # noqa: BLE001  # the lease ends
            leases.remove(holding)
            return raised
        return None
