"""The tasks that an app of procrastinate gets: the carrier of all receivers, and the rescue of its jobs."""

from __future__ import annotations

from asyncio import CancelledError
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from procrastinate.exceptions import JobAborted
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from clarion.background import adeliver, retry_after
from clarion.background.monitoring import TASK
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from procrastinate import App, JobContext
    from procrastinate.jobs import Job

RESCUE = "clarion.rescue"


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
        stalled = await manager.get_stalled_jobs(task_name=TASK, seconds_since_heartbeat=silence)
        for job in stalled:
            await manager.retry_job(job)

    return rescue


# By the carrier task of an app. None for an app without the task that rescues jobs.
_silences: WeakKeyDictionary[Any, float | None] = WeakKeyDictionary()


def register(app: App, silence: float | None) -> None:
    """Register the tasks with an app, once.

    Raises:
        ArgumentError: if they are registered with another silence.
    """
    tasks = cast("dict[str, Any]", app.tasks)  # pyright: ignore[reportUnknownMemberType]
    found = tasks.get(TASK)
    if found is not None:
        if (other := _silences.get(found, silence)) != silence:
            raise ArgumentError(
                f"This app has a ProcrastinateDelivery with rescue={other}, and gets one task that rescues calls. "
                f"Create the delivery once, and import it where receivers are connected.",
                ["rescue"],
            )
        return
    _silences[app.task(name=TASK, pass_context=True, retry=Retries())(carry)] = silence
    if silence is not None:
        task = app.task(name=RESCUE, pass_context=True, queueing_lock=RESCUE)(_rescue(silence))
        app.periodic(cron="* * * * *")(task)
