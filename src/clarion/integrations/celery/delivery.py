"""CeleryDelivery: receivers as Celery tasks, after the commit."""

# Celery has no types, so values from it are of unknown type.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import signals

from clarion.background import EngineDelivery
from clarion.background.delivery import HOLD
from clarion.integrations.celery.engine import CeleryEngine

if TYPE_CHECKING:
    from celery import Celery


class CeleryDelivery(EngineDelivery):
    """Call a receiver in a Celery worker, after the commit.

    The worker has to import the modules that connect the receivers, as it imports its tasks.

    Args:
        app: the Celery app.
        hold: how long a commit may wait for the broker, in seconds. Celery's own limits,
            `broker_connection_timeout` and `task_publish_retry_policy`, end most waits earlier.

    Raises:
        ArgumentError: if it is no app.
    """

    def __init__(self, app: Celery, *, hold: float = HOLD) -> None:
        super().__init__(CeleryEngine(app), hold=hold)
        signals.worker_ready.connect(self._say_at_start)

    def _say_at_start(self, **_: Any) -> None:
        self.say_losses()
