"""Celery: receivers as Celery tasks, after the commit.

    from clarion.integrations.celery import CeleryDelivery

    celery = CeleryDelivery(app)

    @receiver(order_paid, delivery=celery)
    @receiver(order_paid, delivery=celery(queue="mail", retries=5))

The app gets one task for all receivers. Monitoring shows the receiver's name, which is its `shadow`.
Other options than ours go to `apply_async`.
"""

# Celery has no types, so values from it are of unknown type.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from inspect import signature
from numbers import Real
from typing import TYPE_CHECKING, Any

from clarion._core.names import keyword_names, value_name
from clarion.background import (
    Engine,
    EngineDelivery,
    check_engine_options,
    check_numbers,
    deliver,
    retry_after,
)
from clarion.background.delivery import HOLD
from clarion.background.options import check_kinds
from clarion.errors import ArgumentError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.background import Call, CallOptions

try:
    from celery import Celery, signals
    from celery.app.annotations import prepare, resolve_all
    from celery.app.task import Task
    from celery.exceptions import Ignore, Reject
    from celery.utils.time import maybe_iso8601
except ImportError as error:
    raise MissingExtraError.because(error, "celery", "celery") from error

TASK = "clarion.deliver"

_OURS = frozenset({"args", "body", "kwargs", "name", "self", "shadow", "task_id", "task_type"})
_ROUTING = frozenset(
    {"event_dispatcher", "exchange_type", "ignore_result", "queue", "stamped_headers"}
)
_PROPERTIES = frozenset({"app_id", "cluster_id", "correlation_id", "message_id", "type", "user_id"})
_NUMBERS = frozenset({"countdown", "priority", "soft_time_limit", "time_limit"})
# Instrumentations such as Sentry's replace `publish` by a function with another signature.
_PUBLISH = frozenset(
    [
        "compression",
        "confirm_timeout",
        "content_encoding",
        "content_type",
        "declare",
        "delivery_mode",
        "exchange",
        "expiration",
        "headers",
        "immediate",
        "mandatory",
        "priority",
        "retry",
        "retry_policy",
        "routing_key",
        "serializer",
        "timeout",
    ]
)

_KINDS: dict[str, type] = {
    "compression": str,
    "headers": Mapping,
    "retry_policy": Mapping,
    "serializer": str,
}
_TRANSIENT_MODES = (1, "1", "transient")

_LATE = (
    "Celery forgets a task whose worker process is killed, because {name} is off. Set {setting} = True, "
    'or for this task only {annotations} = {{"{task}": {{"{name}": True}}}}.'
)
_UNCONFIRMED = (
    "RabbitMQ does not confirm what Celery publishes, so a task can be lost without an error. Set "
    '{options} = {{"confirm_publish": True}}.'
)
_TRANSIENT = (
    'RabbitMQ loses tasks when it restarts, because {mode} is transient. Set {mode} = "persistent".'
)
_UNACKNOWLEDGED = "Celery forgets a task when a worker takes it, because ack_emulation is off. Leave it out of {options}."


class _Named:
    """Represents the task for annotations, which are found by its name."""

    name = TASK


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
        self.app = app
        # Its retries are Clarion's, whatever annotations or the base class of the app's tasks say.
        self.task: Any = app.task(
            carry, name=TASK, bind=True, shared=False, autoretry_for=(), max_retries=None
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
        options["argsrepr"], options["kwargsrepr"] = f"(<{call.receiver}, uid {call.uid}>,)", "{}"
        # Through the task, because `send_task` ignores `task_always_eager`.
        self.task.apply_async((call.body,), shadow=call.receiver, **options)

    def check(self, options: CallOptions) -> None:
        """Refuse options that `apply_async` does not have."""
        given = options.engine
        stamps = given.get("stamped_headers") or ()
        check_engine_options("apply_async of Celery", given, _known().union(stamps))
        check_numbers("apply_async of Celery", given, _NUMBERS)
        check_kinds("apply_async of Celery", given, _KINDS)
        if type(given.get("retry")) not in {bool, type(None)}:
            raise ArgumentError(
                "CeleryDelivery was given retry=, which says whether the sender tries to publish again. Give "
                "it a bool; retries= is how often the receiver is called again.",
                ["retry"],
            )
        _check_times(given)
        taken = given.keys() & {"countdown", "eta"}
        if taken and options.delay:
            raise ArgumentError(
                f"CeleryDelivery was given delay= and {keyword_names(taken)}. Give one of them.",
                ["delay", *taken],
            )

    def losses(self) -> list[str]:
        """Return what Celery loses as the app is configured."""
        conf: Any = self.app.conf
        found = [
            _LATE.format(
                name=name,
                task=TASK,
                setting=self._written(f"task_{name}"),
                annotations=self._written("task_annotations"),
            )
            for name in ("acks_late", "reject_on_worker_lost")
            if not self._task_setting(name)
        ]
        transport: Mapping[str, Any] = conf.broker_transport_options or {}
        if self._is_amqp():
            if not transport.get("confirm_publish"):
                found.append(_UNCONFIRMED.format(options=self._written("broker_transport_options")))
            is_transient = conf.task_default_delivery_mode in _TRANSIENT_MODES
            if is_transient:
                found.append(_TRANSIENT.format(mode=self._written("task_default_delivery_mode")))
        elif not transport.get("ack_emulation", True):
            found.append(_UNACKNOWLEDGED.format(options=self._written("broker_transport_options")))
        return found

    def losses_with(self, options: CallOptions) -> Sequence[str]:
        """Return what RabbitMQ loses of tasks that are transient by their own options."""
        is_transient = options.engine.get("delivery_mode") in _TRANSIENT_MODES
        return [_TRANSIENT.format(mode="delivery_mode")] if is_transient and self._is_amqp() else ()

    def _written(self, setting: str) -> str:
        """Return how the user writes the name of a setting, such as `CELERY_TASK_ACKS_LATE`."""
        namespace: str | None = self.app.namespace
        if not namespace:
            return setting
        name = f"{namespace.removesuffix('_')}_{setting}"
        return name.upper() if namespace.isupper() else name.lower()  # as Celery looks it up

    def _task_setting(self, name: str) -> Any:
        # Not read from the task: that would copy the settings of the app, which may not be set yet.
        given: Any = self.app.conf[f"task_{name}"]
        for annotation in resolve_all(prepare(self.app.conf.task_annotations), _Named):
            given = annotation.get(name, given)
        return given

    def _is_amqp(self) -> bool:
        try:
            connection: Any = self.app.connection_for_write()
        except ImportError:
            return False  # Celery brings the client of AMQP, so it is another broker's that is missing.
        with connection:
            return bool(connection.transport.driver_type == "amqp")


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


def _check_times(given: Mapping[str, Any]) -> None:
    """Refuse a value of `eta` or `expires` with which each send would fail."""
    for name, kinds, wanted in (
        ("eta", (datetime,), "a datetime"),
        ("expires", (Real, datetime), "seconds or a datetime"),
    ):
        value = given.get(name)
        if value is not None and not isinstance(value, kinds) and not _is_time(value):
            raise ArgumentError(
                f"apply_async of Celery was given {name}={value_name(value)}. Give {wanted}.",
                [name],
            )


def _is_time(value: object) -> bool:
    """Return whether a value is a time as text, which Celery takes."""
    try:
        return isinstance(value, str) and maybe_iso8601(value) is not None
    except ValueError:
        return False


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
        if wait is None:
            raise
        shown = {name: task.request.get(name) for name in ("argsrepr", "kwargsrepr")}
        # None would be the limit of the task, which an annotation may set.
        raise task.retry(exc=error, countdown=wait, max_retries=attempt, **shown) from error


def _known() -> frozenset[str]:
    """Return the options of `apply_async`, also those that it passes on."""
    named = {
        name
        for function in (Task.apply_async, Celery.send_task)
        for name, each in signature(function).parameters.items()
        if each.kind is not each.VAR_KEYWORD
    }
    return frozenset(named | _PUBLISH | _ROUTING | _PROPERTIES) - _OURS
