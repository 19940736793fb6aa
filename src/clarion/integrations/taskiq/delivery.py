"""TaskiqDelivery: receivers as Taskiq tasks, after the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskiq.events import TaskiqEvents

from clarion.background import EngineDelivery
from clarion.background.delivery import HOLD
from clarion.integrations.taskiq.engine import engine_of

if TYPE_CHECKING:
    from taskiq import AsyncBroker, ScheduleSource


class TaskiqDelivery(EngineDelivery):
    """Call a receiver in a Taskiq worker, after the commit.

    The worker has to import the modules that connect the receivers, as it imports its tasks. Create the
    delivery beside the broker, before the broker is started.

    Without `schedule_source` and `broker_delays`, a worker takes a delayed call and waits. After
    5 seconds it returns the call to the queue. Each such call is one of the worker's `--max-async-tasks`.

    Args:
        broker: the Taskiq broker.
        schedule_source: keeps calls until their delay is over, or until the next attempt. Then the
            scheduler of Taskiq sends them.
        broker_delays: whether the broker itself keeps them, by the label `delay`, as AioPikaBroker
            does with a `delay_queue`.
        hold: how long a commit may wait for the broker, in seconds.

    Raises:
        ArgumentError: if it is no broker, or has a delivery with another `schedule_source` or `broker_delays`.
    """

    def __init__(
        self,
        broker: AsyncBroker,
        *,
        schedule_source: ScheduleSource | None = None,
        broker_delays: bool = False,
        hold: float = HOLD,
    ) -> None:
        super().__init__(engine_of(broker, schedule_source, broker_delays, hold), hold=hold)
        broker.add_event_handler(TaskiqEvents.WORKER_STARTUP, lambda _: self.say_losses())
