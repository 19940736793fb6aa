"""The options of a delivery that go to `apply_async`, refused at connect if each send would fail."""

# Celery has no types, so values from it are of unknown type.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from inspect import signature
from numbers import Real
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.app.task import Task
from celery.utils.time import maybe_iso8601
from kombu.compression import get_encoder
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.serialization import dumps as _dumps
from kombu.utils.json import dumps as _as_json

from clarion._core.names import keyword_names, quoted_name, value_name
from clarion.background import check_engine_options, check_numbers
from clarion.background.options import check_age, check_kinds
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.background import CallOptions

dumps: Any = _dumps  # kombu has no types
as_json: Any = _as_json

_OURS = frozenset(
    {"args", "body", "kwargs", "name", "result_cls", "self", "shadow", "task_id", "task_type"}
)
_ROUTING = frozenset(
    {"event_dispatcher", "exchange_type", "ignore_result", "queue", "stamped_headers"}
)
_PROPERTIES = frozenset({"app_id", "cluster_id", "correlation_id", "message_id", "type", "user_id"})
_NUMBERS = frozenset(
    {"countdown", "expiration", "priority", "soft_time_limit", "time_limit", "timeout"}
)
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
_MODES = {1, 2, "1", "2", "transient", "persistent"}
_HIGHEST = 255  # the priority is one byte in AMQP
_RETRY_POLICY = signature(Connection.ensure).parameters.keys() - {"self", "obj", "fun"}
_PUBLISHER = "apply_async of Celery"


def check_options(app: Any, options: CallOptions) -> None:
    """Refuse options that `apply_async` does not have, and values with which each send would fail.

    Args:
        app: the Celery app.
        options: the options of the delivery.

    Raises:
        ArgumentError: if there is one.
    """
    given = options.engine
    stamps = given.get("stamped_headers") or ()
    check_engine_options(_PUBLISHER, given, known().union(stamps))
    check_numbers(_PUBLISHER, given, _NUMBERS)
    check_kinds(_PUBLISHER, given, _KINDS)
    if type(given.get("retry")) not in {bool, type(None)}:
        raise ArgumentError(
            "CeleryDelivery was given retry=, which says whether the sender tries to publish again. Give "
            "it a bool; retries= is how often the receiver is called again.",
            ["retry"],
        )
    _check_times(given)
    delay = options.delay or given.get("countdown") or 0.0
    check_age(_PUBLISHER, "expires", given.get("expires"), delay)
    for name, (is_sent, wanted) in _VALUES.items():
        value = given.get(name)
        if value is not None and not is_sent(value):
            raise _refusal(name, value, wanted)
    _check_queue(app, given.get("queue"))
    taken = given.keys() & {"countdown", "eta"}
    if taken and options.delay:
        raise ArgumentError(
            f"CeleryDelivery was given delay= and {keyword_names(taken)}. Give one of them.",
            ["delay", *taken],
        )


def _check_times(given: Mapping[str, Any]) -> None:
    """Refuse a value of `eta` or `expires` with which each send would fail, or each task expire."""
    for name, kinds, wanted in (
        ("eta", (datetime,), "a datetime"),
        ("expires", (Real, datetime), "seconds or a datetime"),
    ):
        value = given.get(name)
        if value is not None and not isinstance(value, kinds) and not _is_time(value):
            raise _refusal(name, value, wanted)


def _check_queue(app: Any, queue: object) -> None:
    """Refuse a queue that is none, or that the app does not declare and does not create."""
    if queue is None or isinstance(queue, Queue):
        return
    if not isinstance(queue, str) or not queue:
        raise _refusal("queue", queue, "the name of a queue, or a Queue of kombu")
    conf: Any = app.conf
    if conf.task_create_missing_queues:
        return
    queues: Any = conf.task_queues or ()
    names = {getattr(each, "name", each) for each in queues} or {conf.task_default_queue}
    names |= _added_queues(app)
    if queue not in names:
        raise ArgumentError(
            f"{_PUBLISHER} was given queue={quoted_name(queue)}, which task_queues of the app does not have, and "
            f"task_create_missing_queues is off. Add it to task_queues, or by app.amqp.queues.add(), before the "
            f"receiver is connected. It has {', '.join(sorted(map(quoted_name, names)))}.",
            ["queue"],
        )


def _added_queues(app: Any) -> set[str]:
    """Return the queues that a program has added to the app; none if it has not looked at them.

    Looking at them would copy the settings of the app, which may not be complete yet.
    """
    amqp = vars(app).get("amqp")
    return set() if amqp is None else {*vars(amqp).get("queues", ())}


def _works(function: Callable[[Any], object]) -> Callable[[Any], bool]:
    """Return a function that returns whether a function of kombu takes a value."""

    def works(value: Any) -> bool:
        try:
            function(value)
        except Exception:  # noqa: BLE001  # each serializer has its own
            return False
        return True

    return works


def _is_signature(value: Any) -> bool:
    """Return whether a value is a signature of Celery, or a list of them."""
    found = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(each, Mapping) for each in found)


_SIGNATURE = "a signature of a task, such as task.s(), or a list of them"

# How a value is checked, and what to give instead.
_VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "compression": (_works(get_encoder), "the name of a compression that kombu has registered"),
    "delivery_mode": (lambda value: value in _MODES, '"persistent" or "transient"'),
    "headers": (_works(lambda value: as_json(dict(value))), "headers with values that are JSON"),
    "link": (_is_signature, _SIGNATURE),
    "link_error": (_is_signature, _SIGNATURE),
    "priority": (lambda value: 0 <= value <= _HIGHEST, f"a number from 0 to {_HIGHEST}"),
    "retry_policy": (
        lambda value: not value.keys() - _RETRY_POLICY,
        f"some of {', '.join(sorted(_RETRY_POLICY))}",
    ),
    "router": (lambda value: hasattr(value, "route"), "a router of Celery"),
    "serializer": (
        _works(lambda value: dumps("", serializer=value)),
        "the name of a serializer that kombu has registered",
    ),
}


def _refusal(name: str, value: object, wanted: str) -> ArgumentError:
    return ArgumentError(
        f"{_PUBLISHER} was given {name}={value_name(value)}. Give {wanted}.", [name]
    )


def _is_time(value: object) -> bool:
    """Return whether a value is a time as text, which Celery takes."""
    try:
        return isinstance(value, str) and maybe_iso8601(value) is not None
    except ValueError:
        return False


def known() -> frozenset[str]:
    """Return the options of `apply_async`, also those that it passes on."""
    named = {
        name
        for function in (Task.apply_async, Celery.send_task)
        for name, each in signature(function).parameters.items()
        if each.kind is not each.VAR_KEYWORD
    }
    return frozenset(named | _PUBLISH | _ROUTING | _PROPERTIES) - _OURS
