"""Taskiq: receivers as Taskiq tasks, after the commit.

    from clarion.integrations.taskiq import TaskiqDelivery

    taskiq = TaskiqDelivery(broker)

    @receiver(order_paid, delivery=taskiq)
    @receiver(order_paid, delivery=taskiq(queue_name="mail", retries=5))

The broker gets one task, "clarion.deliver". Monitoring shows the receiver's name in the label `receiver` and in
the id of the task. Retries are Clarion's own, so they need no middleware.

In reading order; a module imports from those above it only:

1. `losses`: what Taskiq loses with a broker and its middleware.
2. `engine`: sends the tasks, and is their carrier.
3. `delivery`: `TaskiqDelivery`.
"""

from __future__ import annotations

from clarion.errors import MissingExtraError

try:
    import taskiq as _taskiq  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ImportError as error:
    raise MissingExtraError.because(error, "taskiq", "taskiq") from error

from clarion.integrations.taskiq.delivery import TaskiqDelivery

__all__ = ["TaskiqDelivery"]
