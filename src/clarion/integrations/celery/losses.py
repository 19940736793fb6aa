"""What Celery loses or repeats as an app is configured, each in a sentence with the setting."""

# Celery has no types, so values from it are of unknown type.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.app.annotations import prepare, resolve_all

from clarion.background.monitoring import TASK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clarion.background import CallOptions

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
_REPEATED = (
    "A task with a delay of {delay:g} s runs more than once, because the broker gives it to another worker "
    'each {seconds:g} s. Set {options} = {{"visibility_timeout": {enough:g}}}.'
)


_NO_CLIENT = (
    "Celery cannot publish a task, because the client of its broker {name} is not installed. Install "
    "{package}."
)
_CLIENTS = {"redis": "celery[redis]", "rediss": "celery[redis]", "sqs": "celery[sqs]"}


class _Named:
    """Represents the task for annotations, which are found by its name."""

    name = TASK


def losses_of(app: Any) -> list[str]:
    """Return what Celery loses as an app is configured."""
    conf: Any = app.conf
    found = [
        _LATE.format(
            name=name,
            task=TASK,
            setting=_written(app, f"task_{name}"),
            annotations=_written(app, "task_annotations"),
        )
        for name in ("acks_late", "reject_on_worker_lost")
        if not _task_setting(app, name)
    ]
    transport: Mapping[str, Any] = conf.broker_transport_options or {}
    options = _written(app, "broker_transport_options")
    if _is_amqp(app):
        if not transport.get("confirm_publish"):
            found.append(_UNCONFIRMED.format(options=options))
        if conf.task_default_delivery_mode in _TRANSIENT_MODES:
            found.append(_TRANSIENT.format(mode=_written(app, "task_default_delivery_mode")))
    elif not transport.get("ack_emulation", True):
        found.append(_UNACKNOWLEDGED.format(options=options))
    return found


def missing_clients(app: Any) -> list[str]:
    """Return that the client of the broker is not installed, in a sentence with the package."""
    connection = _closed_connection(app)
    if connection is not None:
        connection.release()
        return []
    name = str(app.conf.broker_write_url).partition(":")[0]
    return [_NO_CLIENT.format(name=name, package=_CLIENTS.get(name, "the package of this broker"))]


def losses_with(app: Any, options: CallOptions) -> list[str]:
    """Return what is lost or repeated of tasks with these options."""
    if options.engine.get("delivery_mode") in _TRANSIENT_MODES and _is_amqp(app):
        return [_TRANSIENT.format(mode="delivery_mode")]
    delay = options.delay or options.engine.get("countdown") or 0.0
    seconds = redelivery_of(app) if delay else None
    if seconds is None or delay < seconds:
        return []
    written = _written(app, "broker_transport_options")
    return [_REPEATED.format(delay=delay, seconds=seconds, options=written, enough=2 * delay)]


def redelivery_of(app: Any) -> float | None:
    """Return after which time the broker gives a task that waits to another worker, in seconds.

    None if it never does. The broker cannot see that the worker waits for the time of the task.
    """
    connection = _closed_connection(app)
    if connection is None:
        return None
    with connection:
        options: Mapping[str, Any] = app.conf.broker_transport_options or {}
        given = options.get("visibility_timeout")
        channel: Any = getattr(connection.transport, "Channel", None)
        default = getattr(channel, "visibility_timeout", None)  # SQS has a property
        found = default if given is None else given
        return float(found) if isinstance(found, (int, float)) and not _is_amqp(app) else None


def _written(app: Any, setting: str) -> str:
    """Return how the user writes the name of a setting, such as `CELERY_TASK_ACKS_LATE`."""
    namespace: str | None = app.namespace
    if not namespace:
        return setting
    name = f"{namespace.removesuffix('_')}_{setting}"
    return name.upper() if namespace.isupper() else name.lower()  # as Celery looks it up


def _task_setting(app: Any, name: str) -> Any:
    # Not read from the task: that would copy the settings of the app, which may not be set yet.
    given: Any = app.conf[f"task_{name}"]
    for annotation in resolve_all(prepare(app.conf.task_annotations), _Named):
        given = annotation.get(name, given)
    return given


def _is_amqp(app: Any) -> bool:
    connection = _closed_connection(app)
    if connection is None:
        return False  # Celery brings the client of AMQP, so it is another broker's that is missing.
    with connection:
        return bool(connection.transport.driver_type == "amqp")


def _closed_connection(app: Any) -> Any | None:
    """Return a connection to the broker that is not open; None if its client is not installed."""
    try:
        return app.connection_for_write()
    except (ImportError, AttributeError):  # kombu's module for Redis raises the second one
        return None
