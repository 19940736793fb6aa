"""What Taskiq loses with a broker, and with its middleware."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from taskiq import InMemoryBroker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.background import CallOptions

_UNACKNOWLEDGED = (
    "{broker} forgets a task when a worker takes it, so a worker that is killed loses it. Use a broker "
    "with acknowledgement, such as RedisStreamBroker or AioPikaBroker."
)
_LATEST = (
    "RedisStreamBroker skips the tasks that were sent before its consumer group exists. Give it "
    'consumer_id="0".'
)
_TRIMMED = (
    "RedisStreamBroker removes tasks that no worker has taken, once the stream has maxlen entries. Leave "
    "maxlen= out."
)

_UNRETRIED = (
    "Taskiq forgets a task that has failed, because no retry middleware of the broker tries it again. Give the "
    "delivery retries=, such as taskiq(retries=5), or add the middleware: "
    "broker.with_middlewares(SimpleRetryMiddleware(default_retry_label=True))."
)


def losses_of(broker: Any) -> list[str]:
    """Return what a broker loses, each in a sentence with the setting."""
    if isinstance(broker, InMemoryBroker):
        return []
    found: list[str] = []
    with suppress(NameError):  # an annotation of Python 3.14 that cannot be evaluated
        listens = str(broker.listen.__annotations__.get("return", "AckableMessage"))
        if "AckableMessage" not in listens:
            found.append(_UNACKNOWLEDGED.format(broker=type(broker).__name__))
    if getattr(broker, "consumer_id", None) == "$":
        found.append(_LATEST)
    if getattr(broker, "maxlen", None) is not None:
        found.append(_TRIMMED)
    return found


def losses_with(broker: Any, options: CallOptions) -> Sequence[str]:
    """Return that a failed task is not made again, without `retries` and without a middleware."""
    if options.retries is not None or isinstance(broker, InMemoryBroker):
        return ()
    label = options.engine.get("retry_on_error")
    is_tried_again = any(_tries_again(each, label) for each in broker.middlewares)
    return () if is_tried_again else [_UNRETRIED]


def _tries_again(middleware: Any, label: object) -> bool:
    """Return whether a middleware tries a task with this label again: by default, Taskiq's do not."""
    if "Retry" not in type(middleware).__name__:
        return False
    chosen = getattr(middleware, "default_retry_label", True) if label is None else label
    return chosen.lower() == "true" if isinstance(chosen, str) else bool(chosen)


def has_no_delays(broker: Any) -> bool:
    """Return whether a broker is known to ignore the label `delay`, or to drop the task."""
    keepers = ("_delay_queue", "_delayed_message_exchange_plugin")
    is_known = type(broker).__module__.startswith(("taskiq.", "taskiq_redis.", "taskiq_aio_pika."))
    return is_known and not any(getattr(broker, name, None) for name in keepers)
