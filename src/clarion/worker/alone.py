"""One job makes a delivery while no other job of the worker runs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from clarion._core.fork import new_lock

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_WAIT, LONGEST_WAIT = 10.0, 600.0  # seconds
BETWEEN_LOOKS = 0.1  # seconds
# The other receivers wait too, so a worker spends a tenth of its time on such waits at most.
PAUSE = 10  # times the wait


class Alone:
    """Lets one job have the worker to itself.

    The other jobs end after their running deliveries, and no new one begins meanwhile. A job that waits
    for its turn does not run. A receiver that takes longer than the wait ends it, and the next wait is
    twice as long.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(new_lock())
        self._running: set[Any] = set()
        self._waiting: list[Any] = []
        self._holder: Any = None
        self._seconds = FIRST_WAIT

    @property
    def is_wanted(self) -> bool:
        """Whether a job has the worker to itself, or waits for that."""
        return self._holder is not None or bool(self._waiting)

    @property
    def pause(self) -> float:
        """How long a delivery waits that could not be made alone, in seconds."""
        return PAUSE * self._seconds

    def is_wanted_by_another(self, job: object) -> bool:
        """Return whether a job must end, because another one is to be alone."""
        return self.is_wanted and self._holder is not job

    def begin(self, job: object) -> None:
        """Record that a job runs, once no other one has the worker to itself."""
        with self._changed:
            while self._holder is not None:
                self._changed.wait()
            self._running.add(job)

    def end(self, job: object) -> None:
        """Record that a job does not run any more, or was left behind."""
        with self._changed:
            self._running.discard(job)
            self.release(job)

    def acquire(self, job: object, is_stopping: Callable[[], bool]) -> bool:
        """Wait until no other job runs; return whether this job has the worker to itself now.

        Args:
            job: the job. It calls `release` later.
            is_stopping: returns whether the worker stops, which ends the wait.
        """
        ends = time.monotonic() + self._seconds
        with self._changed:
            self._waiting.append(job)
            self._changed.notify_all()
            try:
                while not (is_free := self._is_free()):
                    if is_stopping() or time.monotonic() >= ends:
                        break
                    self._changed.wait(BETWEEN_LOOKS)
            finally:
                self._waiting.remove(job)
            if is_free:
                self._holder = job
                self._seconds = FIRST_WAIT
            elif not is_stopping():
                self._seconds = min(LONGEST_WAIT, 2 * self._seconds)
            return is_free

    def release(self, job: object) -> None:
        """Let other jobs run again, if this one has the worker to itself."""
        with self._changed:
            if self._holder is job:
                self._holder = None
            self._changed.notify_all()

    def _is_free(self) -> bool:
        return self._holder is None and self._running <= set(self._waiting)
