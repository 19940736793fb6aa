"""Publish the tasks of a Celery app, and call their receivers."""

# Celery has no types, so values from it are of unknown type.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Celery, signals
from celery.exceptions import Ignore, Reject
from celery.local import Proxy

from clarion._core.names import value_name
from clarion.background import Engine, deliver, retry_after
from clarion.background.monitoring import TASK, name_hand_over
from clarion.errors import ArgumentError, Retry
from clarion.integrations.celery.losses import (
    losses_of,
    losses_with,
    missing_clients,
    redelivery_of,
)
from clarion.integrations.celery.options import check_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.background import Call, CallOptions


class CeleryEngine(Engine):
    """Gives calls to the tasks of a Celery app.

    Args:
        app: the app.
    """

    name = "Celery"

    def __init__(self, app: Any) -> None:
        if not isinstance(app, Celery):
            raise ArgumentError(
                f"CeleryDelivery was given {value_name(app)}. Give it the Celery app.", ["app"]
            )
        if issubclass(type(app), Proxy):  # its class pretends to be Celery's
            raise ArgumentError(
                "CeleryDelivery was given celery.current_app, which is not the same app in each thread and "
                "at each time. Give it the app itself: create the app at the top level of a module, and "
                "configure it later if a function does that.",
                ["app"],
            )
        self.app = app
        # Its retries are Clarion's, whatever annotations or the base class of the app's tasks say.
        self.task: Any = app.task(
            carry,
            name=TASK,
            bind=True,
            shared=False,
            autoretry_for=(),
            max_retries=None,
            shadow_name=shadow_name,
        )

    @property
    def holds_thread(self) -> bool:  # type: ignore[override]
        """Whether a broker that does not answer may hold `enqueue`; not in eager mode."""
        return not self.app.conf.task_always_eager

    def enqueue(self, call: Call) -> None:
        """Publish the task."""
        options = dict(call.options)
        if call.delay:
            options["countdown"] = call.delay
        # Monitoring shows these instead of the body, and Celery does not have to format it.
        options["argsrepr"], options["kwargsrepr"] = _shown(call.receiver, call.uid), "{}"
        if self.holds_thread:
            # This thread is one of Clarion's. Handlers of Celery's signals look for their app.
            self.app.set_current()
        # Through the task, because `send_task` ignores `task_always_eager`.
        self.task.apply_async((call.body,), **options)

    def check(self, options: CallOptions) -> None:
        """Refuse options that `apply_async` does not have, and values that it cannot send."""
        check_options(self.app, options)

    def missing(self) -> list[str]:
        """Return that the client of the broker is not installed."""
        return missing_clients(self.app)

    def losses(self) -> list[str]:
        """Return what Celery loses as the app is configured."""
        return losses_of(self.app)

    def losses_with(self, options: CallOptions) -> Sequence[str]:
        """Return what is lost or repeated of tasks with these options."""
        return losses_with(self.app, options)


def _shown(receiver: str, uid: object) -> str:
    """Return what monitoring shows in the place of the arguments of a task."""
    return f"(<{receiver}, uid {uid}>,)"


def shadow_name(task: Any, args: Any, kwargs: Any, options: dict[str, Any]) -> str | None:  # noqa: ARG001
    """Return the name of a task that monitoring shows: that of its receiver.

    Celery calls it inside `apply_async`, so it names the span of an instrumentation that has replaced that.
    """
    receiver, separator, _ = str(options.get("argsrepr")).removeprefix("(<").rpartition(", uid ")
    if not separator:
        return None  # a program has sent the task by itself
    name_hand_over(receiver)
    return receiver


def name_publication(headers: Any = None, **_: Any) -> None:
    """Name the span of an instrumentation after the receiver whose task is published."""
    if isinstance(headers, dict) and isinstance(receiver := headers.get("shadow"), str):
        name_hand_over(receiver)


# An instrumentation begins and ends its span in these signals, before or after this function.
for _signal in (signals.before_task_publish, signals.after_task_publish):
    _signal.connect(name_publication, sender=TASK, weak=False)


def carry(task: Any, body: str) -> None:
    """Call the receiver of a task, and retry it after a failure.

    Args:
        task: the task.
        body: see `clarion.background.Call`.
    """
    attempt: int = task.request.retries + 1
    try:
        deliver(body, attempt)
    except (Ignore, Reject):
        raise  # Celery's own ways to end a task
    except Exception as error:
        wait = retry_after(body, error, attempt)
        if wait is None or _is_propagated(task):
            raise
        wait = within_broker(task.app, error, wait)
        shown = {name: task.request.get(name) for name in ("argsrepr", "kwargsrepr")}
        shown["shadow"] = None  # `shadow_name` finds it again
        # None would be the limit of the task, which an annotation may set.
        raise task.retry(exc=error, countdown=wait, max_retries=attempt, **shown) from error


def _is_propagated(task: Any) -> bool:
    """Return whether the sender of an eager task gets its error, in whose place a retry would be raised."""
    return bool(task.request.is_eager and task.app.conf.task_eager_propagates)


def within_broker(app: Any, error: Exception, wait: float) -> float:
    """Return a wait after which the broker has not given the task to another worker, too.

    Args:
        app: the app.
        error: what the receiver has raised. A wait that it names is kept.
        wait: how long to wait, in seconds.
    """
    if isinstance(error, Retry) or (limit := redelivery_of(app)) is None:
        return wait
    return min(wait, limit / 2)
