"""Huey: receivers that a consumer of Huey calls.

    from clarion.integrations.huey import HueyDelivery

    background = HueyDelivery(SqliteHuey(filename="huey.db"))

    @receiver(order_paid, delivery=background(retries=2, priority=10))
    def send_receipt(sender, order_id, **kwargs): ...

The consumer has to import the modules of the receivers.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from clarion._core.names import value_name
from clarion.background import (
    Engine,
    EngineDelivery,
    check_engine_options,
    check_numbers,
    deliver,
    retry_after,
)
from clarion.background.delivery import HOLD
from clarion.background.monitoring import TASK, name_hand_over
from clarion.background.options import check_age
from clarion.background.redis_pool import longest_wait
from clarion.errors import ArgumentError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.background import Call, CallOptions

try:
    from huey.api import Huey  # pyright: ignore[reportMissingTypeStubs]
    from huey.signals import SIGNAL_ENQUEUED  # pyright: ignore[reportMissingTypeStubs]
    from huey.storage import (  # pyright: ignore[reportMissingTypeStubs]
        MemoryStorage,
        SqliteStorage,
    )
except ImportError as error:
    raise MissingExtraError.because(error, "huey", "huey") from error

__all__ = ["HueyDelivery"]

OPTIONS = {"expires", "priority", "retry_backoff", "retry_delay", "timeout"}

_POPS = (
    "Huey takes a task out of its storage before it runs, so a task is lost if its consumer is killed "
    "meanwhile, and no setting changes that. Use durable without via= for work that must not be "
    "lost."
)

_tasks: WeakKeyDictionary[Huey, Any] = WeakKeyDictionary()


def carry(body: str, attempt: int, task: Any, waits: bool) -> None:  # noqa: FBT001
    """Call the receiver of a task: the one task of all receivers.

    Args:
        body: what the sender has given.
        attempt: the number of the attempt, beginning with 1.
        task: the task of Huey.
        waits: whether the waits between attempts are set already.

    Raises:
        Exception: what the receiver raises. Huey runs the task again if retries are left.
    """
    try:
        deliver(body, attempt)
    except Exception as error:
        wait = retry_after(body, error, attempt)
        # Huey reads these after the task has raised, and stores them with the next attempt.
        task.retries = 0 if wait is None else max(task.retries, 1)
        task.args = (body, attempt + 1)
        if wait is not None and not waits:
            task.retry_delay = wait
        raise


def task_of(huey: Any) -> Any:
    """Return the task of an instance of Huey, which has one for all receivers."""
    if (found := _tasks.get(huey)) is not None:
        return found

    def carry_in(body: str, attempt: int, task: Any, waits: bool = False) -> None:  # noqa: FBT001, FBT002
        # Immediate mode never runs a task that has to wait.
        carry(body, attempt, task, waits or huey.immediate)

    found = _tasks[huey] = huey.task(name=TASK, context=True)(carry_in)
    huey.signal(SIGNAL_ENQUEUED)(name_publication)
    return found


def name_publication(signal: str, task: Any) -> None:  # noqa: ARG001
    """Name the span of an instrumentation after the receiver whose task is enqueued."""
    if task.name == TASK:
        name_hand_over(task.id.rpartition(":")[0])


class HueyEngine(Engine):
    """Enqueues calls with Huey.

    Args:
        huey: the instance of Huey.
    """

    name = "Huey"

    def __init__(self, huey: Any) -> None:
        if not isinstance(huey, Huey):
            raise ArgumentError(
                f"HueyDelivery was given {value_name(huey)}. Give an instance of Huey: "
                f"HueyDelivery(SqliteHuey(filename='huey.db')).",
                ["huey"],
            )
        self.huey: Any = huey
        self.task = task_of(huey)
        pool = getattr(self.huey.storage, "pool", None)  # of Redis
        if pool is not None:
            self.longest_wait = longest_wait(pool)
        elif isinstance(self.huey.storage, SqliteStorage):
            # A new connection may wait for a lock, and then its INSERT.
            self.longest_wait = 2 * getattr(self.huey.storage, "_timeout", inf)

    @property
    def holds_thread(self) -> bool:  # type: ignore[override]
        """Whether the storage may wait for a server that does not answer, or for a locked file."""
        return not (self.huey.immediate or isinstance(self.huey.storage, MemoryStorage))

    def enqueue(self, call: Call) -> None:
        """Enqueue a call; Huey's storage has it then. The log of the consumer shows the receiver."""
        options: dict[str, Any] = {**call.options, "retries": call.retries}
        if call.delay:
            options["delay"] = call.delay
        if {"retry_delay", "retry_backoff"} & {*call.options}:
            options["waits"] = True
        self.huey.enqueue(self.task.s(call.body, 1, id=f"{call.receiver}:{call.uid}", **options))

    def check(self, options: CallOptions) -> None:
        """Refuse an option that a task of Huey does not have.

        Raises:
            ArgumentError: if it does not have one.
        """
        check_engine_options("A task of Huey", options.engine, OPTIONS)
        check_numbers("A task of Huey", options.engine, OPTIONS - {"expires"})
        check_age("A task of Huey", "expires", options.engine.get("expires"), options.delay)
        try:
            self.task.s("", 1, **options.engine).resolve_expires(self.huey.utc)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                "Huey does not take this value of expires=. Give seconds, a timedelta or a datetime.",
                ["expires"],
            ) from error

    def losses(self) -> Sequence[str]:
        """Return the warning that Huey loses the tasks of a killed consumer."""
        return [_POPS]


class HueyDelivery(EngineDelivery):
    """Give a receiver to Huey after the commit; a consumer of Huey calls it.

    The options of a task can be given: `background(retries=2, priority=10, expires=60)`. Without
    `retry_delay` or `retry_backoff`, the waits between attempts are random and double. The consumer must
    import the modules of the receivers.

    Args:
        huey: the instance of Huey.
        hold: how long a commit may wait for the storage, in seconds.
    """

    def __init__(self, huey: Huey, *, hold: float = HOLD) -> None:
        super().__init__(HueyEngine(huey), hold=hold)
