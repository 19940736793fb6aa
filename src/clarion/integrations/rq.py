"""RQ: receivers that an RQ worker calls.

    from clarion.integrations.rq import RQDelivery

    rq = RQDelivery(Queue("default", connection=Redis(), serializer="json"))

    @receiver(order_paid, delivery=rq(retries=2, job_timeout=60))
    def send_receipt(sender, order_id, **kwargs): ...

The worker has to import the modules of the receivers.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from inspect import signature
from math import ceil
from typing import TYPE_CHECKING, Any
from uuid import uuid5

from clarion._core.names import value_name
from clarion.background import (
    Engine,
    EngineDelivery,
    check_engine_options,
    deliver,
    retry_after,
)
from clarion.background.delivery import HOLD
from clarion.background.options import check_age
from clarion.background.redis_pool import longest_wait
from clarion.errors import ArgumentError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.background import Call, CallOptions

try:
    from redis.exceptions import RedisError
    from rq import Callback, Queue, Retry, get_current_job
    from rq.exceptions import DuplicateJobError, TimeoutFormatError
    from rq.scheduler import RQScheduler
except ImportError as error:
    raise MissingExtraError.because(error, "rq", "rq") from error

__all__ = ["RQDelivery", "carry"]

TASK = f"{__name__}.carry"
ATTEMPTS = "clarion_attempts"  # a key of Job.meta

# The options of `Queue.enqueue`, without those that the engine sets itself.
_GIVEN = {"self", "func", "args", "kwargs", "timeout", "description", "job_id", "retry", "unique"}
_queue: Any = Queue
OPTIONS = {*signature(_queue.enqueue_call).parameters, "job_timeout"} - _GIVEN - {"pipeline"}

# Those whose value can be checked without Redis, by their names in `Queue.create_job`.
_OF_JOBS = {
    "depends_on": "depends_on",
    "failure_ttl": "failure_ttl",
    "job_timeout": "timeout",
    "rate_limit": "rate_limit",
    "repeat": "repeat",
    "result_ttl": "result_ttl",
    "ttl": "ttl",
}

_CALLBACKS = ("on_failure", "on_stopped", "on_success")

_PICKLE = (
    "RQ's queue {name} uses pickle, so its workers run whatever is written to Redis, and a call is lost "
    "whose pickle they cannot read. Create the queue with serializer='json', and start the workers "
    "with --serializer json."
)


logger = logging.getLogger("clarion.background")


def carry(body: str) -> None:
    """Call the receiver of a job: the one task of all receivers.

    Args:
        body: what the sender has given.

    Raises:
        Exception: what the receiver raises. RQ runs the job again if retries are left.
    """
    job: Any = get_current_job()
    attempt = job.meta[ATTEMPTS] = job.meta.get(ATTEMPTS, 0) + 1
    job.save_meta()
    try:
        deliver(body, attempt)
    except Exception as error:
        wait = retry_after(body, error, attempt)
        # RQ reads both after the job has raised. It waits whole seconds.
        job.retries_left = 0 if wait is None else max(job.retries_left or 0, 1)
        job.retry_intervals = None if wait is None else [ceil(wait)]
        if wait:
            _check_scheduler(job.connection, job.origin, job.description)
        raise


def _check_scheduler(connection: Any, queue: str, receiver: str) -> None:
    """Log that a job which waits for its time has no scheduler."""
    try:
        is_served = connection.exists(RQScheduler.get_locking_key(queue))
    except RedisError:  # such as of a user without the right to read the key
        return  # the job is stored, so its call has not failed
    if not is_served:
        logger.warning(
            "No scheduler of RQ serves the queue %s, so a call of %s waits until one does",
            queue,
            receiver,
        )


class RQEngine(Engine):
    """Enqueues calls in a queue of RQ.

    Args:
        queue: the queue.
    """

    name = "RQ"

    def __init__(self, queue: Any) -> None:
        if not isinstance(queue, Queue):
            raise ArgumentError(
                f"RQDelivery was given {value_name(queue)}. Give a queue: RQDelivery(Queue(connection=Redis())).",
                ["queue"],
            )
        self.queue: Any = queue
        self._is_scheduler_checked = False
        self.longest_wait = longest_wait(queue.connection.connection_pool)

    @property
    def holds_thread(self) -> bool:  # type: ignore[override]
        """Whether a Redis that does not answer may hold `enqueue`; not where jobs run at once."""
        return bool(self.queue.is_async)

    def enqueue(self, call: Call) -> None:
        """Enqueue a call, which Redis confirms; skip a duplicate with the same uid."""
        options: dict[str, Any] = {
            **call.options,
            "args": (call.body,),
            "description": call.receiver,
            "job_id": str(uuid5(call.uid, call.receiver)),
        }
        if call.retries:
            options["retry"] = Retry(max=call.retries)
        # RQ cannot search for duplicates if a job depends on others or has a limit.
        options["unique"] = not {"depends_on", "rate_limit"} & {*options}
        with suppress(DuplicateJobError):  # RQ has it from the first hand-over
            if call.delay:
                self.queue.enqueue_in(timedelta(seconds=call.delay), TASK, **options)
                if not self._is_scheduler_checked:
                    self._is_scheduler_checked = True
                    _check_scheduler(self.queue.connection, self.queue.name, call.receiver)
            else:
                self.queue.enqueue(TASK, **options)

    def check(self, options: CallOptions) -> None:
        """Refuse an option that `Queue.enqueue` does not have.

        Raises:
            ArgumentError: if it does not have one.
        """
        check_engine_options("Queue.enqueue of RQ", options.engine, OPTIONS)
        for name in sorted(options.engine.keys() & _OF_JOBS.keys()):
            job = self._checked(name, options.engine[name])
            if name == "ttl":
                check_age("Queue.enqueue of RQ", name, job.ttl, options.delay)
        if (meta := options.engine.get("meta")) is not None:
            self._check_meta(meta)
        for name in _CALLBACKS:
            if (value := options.engine.get(name)) is not None:
                self._check_callback(name, value)

    def _check_meta(self, meta: object) -> None:
        refusal = _no_job("meta", meta)
        if not isinstance(meta, dict):
            raise refusal
        try:
            self.queue.serializer.dumps(meta)
        except Exception as error:  # each serializer has its own
            raise refusal from error

    def _check_callback(self, name: str, value: Any) -> None:
        try:
            named = (value if isinstance(value, Callback) else Callback(value)).name
        except (AttributeError, TypeError, ValueError) as error:
            raise _no_job(name, value) from error
        if "." not in named:  # a worker imports it by this name
            raise _no_job(name, value)

    def _checked(self, name: str, value: object) -> Any:
        """Return a job with a value, which is not enqueued."""
        try:
            return self.queue.create_job(TASK, **{_OF_JOBS[name]: value})
        except (AttributeError, TypeError, ValueError, TimeoutFormatError) as error:
            raise _no_job(name, value) from error

    def losses(self) -> Sequence[str]:
        """Return the warning that a queue with pickle loses calls that its workers cannot read."""
        # RQ accepts any object with `dumps` and `loads`, such as the module pickle.
        is_pickle = bytes(self.queue.serializer.dumps("")).startswith(b"\x80")
        return [_PICKLE.format(name=self.queue.name)] if is_pickle else []


class RQDelivery(EngineDelivery):
    """Give a receiver to RQ after the commit; an RQ worker calls it.

    The options of `Queue.enqueue` can be given: `rq(retries=2, job_timeout=60, at_front=True)`. The
    worker needs `with_scheduler` for `delay` and for the waits between attempts. It must import the
    modules of the receivers.

    Args:
        queue: the queue.
        hold: how long a commit may wait for Redis, in seconds, if its connection has no
            `socket_timeout`.
    """

    def __init__(self, queue: Queue, *, hold: float = HOLD) -> None:
        super().__init__(RQEngine(queue), hold=hold)


def _no_job(name: str, value: object) -> ArgumentError:
    return ArgumentError(
        f"RQ makes no job with {name}={value_name(value)}. Give a value that Queue.enqueue takes.",
        [name],
    )
