"""Dramatiq: receivers as Dramatiq messages, after the commit.

    from clarion.integrations.dramatiq import DramatiqDelivery

    dramatiq = DramatiqDelivery(broker)

    @receiver(order_paid, delivery=dramatiq)
    @receiver(order_paid, delivery=dramatiq(queue_name="mail", retries=5))

The broker gets one actor, "clarion.deliver". Logs and monitoring show the receiver's name, which is its
argument. The body of the call is an option of the message, so that logs do not show it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from clarion._core.names import keyword_names, quoted_name, value_name
from clarion.background import (
    Engine,
    EngineDelivery,
    check_engine_options,
    check_numbers,
    deliver,
    retry_after,
)
from clarion.background.call import read_body
from clarion.background.delivery import HOLD
from clarion.background.monitoring import TASK
from clarion.background.options import check_age, check_kinds
from clarion.background.redis_pool import longest_wait
from clarion.errors import ArgumentError, DecodingError, MissingExtraError, Reject, Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.background import Call, CallOptions

try:
    from dramatiq import Broker, Middleware, actor
    from dramatiq.errors import Retry as Again
    from dramatiq.middleware import AgeLimit, Retries
except ImportError as error:
    raise MissingExtraError.because(error, "dramatiq", "dramatiq") from error


_BODY = "clarion"  # the option of the message
_FOR_ACTORS = frozenset({"retry_when", "throws"})  # a message cannot have them
_NUMBERS = frozenset(
    {"broker_priority", "max_age", "max_backoff", "max_retries", "min_backoff", "time_limit"}
)

_QUEUE = re.compile(r"[a-zA-Z_][a-zA-Z0-9._-]*")  # as Dramatiq checks it for an actor

_UNCONFIRMED = (
    "RabbitMQ does not confirm what Dramatiq publishes, so a message can be lost without an error. Give "
    "RabbitmqBroker confirm_delivery=True."
)
_DONE = (
    "Dramatiq counts a failed message as done, because the broker has no Retries middleware. Add "
    "it: broker.add_middleware(Retries())."
)

_processed: ContextVar[tuple[Broker, Any]] = ContextVar("clarion_dramatiq_message")

logger = logging.getLogger("clarion.background")


class _Current(Middleware):
    """Keeps the message that a thread processes, and says at a worker's start what can be lost."""

    def __init__(self, say_losses: Callable[[], None]) -> None:
        self._say_losses = say_losses

    def before_process_message(self, broker: Broker, message: Any) -> None:
        """Keep the message for the actor."""
        _processed.set((broker, message))

    def after_worker_boot(self, broker: Broker, worker: Any) -> None:  # noqa: ARG002
        """Say what can be lost."""
        self._say_losses()


class _OfThread(threading.local):
    """Closes the connection of a thread when the thread ends, which RabbitmqBroker does not."""

    kept: _Connection | None = None

    def keep(self, broker: Any) -> None:
        if not hasattr(broker, "connections"):
            return  # only RabbitMQ has one for each thread
        if self.kept is None or self.kept.connection is not broker.connection:
            self.kept = _Connection(broker)


class _Connection:
    def __init__(self, broker: Any) -> None:
        self.broker, self.connection, self.channel = broker, broker.connection, broker.channel

    def __del__(self) -> None:
        self.broker.channels.discard(self.channel)
        self.broker.connections.discard(self.connection)
        with suppress(Exception):  # the server may have closed it
            self.connection.close()


class DramatiqEngine(Engine):
    """Gives calls to the actors of a Dramatiq broker.

    Args:
        broker: the broker.
    """

    name = "Dramatiq"
    holds_thread = True

    def __init__(self, broker: Broker) -> None:
        if not isinstance(cast("object", broker), Broker):
            raise ArgumentError(
                f"DramatiqDelivery was given {value_name(broker)}. Give it the Dramatiq broker.",
                ["broker"],
            )
        self.broker: Any = broker
        pool = getattr(getattr(broker, "client", None), "connection_pool", None)  # of Redis
        if pool is not None:
            self.longest_wait = longest_wait(pool)
        self._of_thread = _OfThread()
        found = self.broker.actors.get(TASK)
        self.actor: Any = found or actor(actor_name=TASK, broker=broker)(carry)

    def enqueue(self, call: Call) -> None:
        """Enqueue a message."""
        options = dict(call.options)
        queue = options.pop("queue_name", self.actor.queue_name)
        ours: dict[str, Any] = {_BODY: call.body}
        if call.retries is not None:
            ours["max_retries"] = call.retries
        message = self._message(call.receiver, str(call.uid), options)
        # The instrumentation of OpenTelemetry puts the options that it sees where no worker finds them.
        message = message.copy(queue_name=queue, options=ours)
        delay = round(call.delay * 1000) if call.delay else None
        self.broker.enqueue(message, delay=delay)
        self._of_thread.keep(self.broker)

    def _message(self, receiver: str, uid: str, options: dict[str, Any]) -> Any:
        return self.actor.message_with_options(args=(receiver,), kwargs={"uid": uid}, **options)

    def check(self, options: CallOptions) -> None:
        """Refuse options that a message does not have, and retries without their middleware."""
        given = options.engine
        known = {"queue_name", "broker_priority", *self.broker.actor_options} - _FOR_ACTORS
        check_engine_options("A message of Dramatiq", given, known)
        check_numbers("A message of Dramatiq", given, _NUMBERS)
        # AgeLimit takes 0 as no value, and then has its own limit.
        age = given.get("max_age") or _longest_age(self.broker)
        check_age("A message of Dramatiq", "max_age", age, options.delay, 0.001)
        check_kinds("A message of Dramatiq", given, {"pipe_target": Mapping})
        if options.retries is not None:
            self._check_retries(given.keys() & {"max_retries"})
        self._check_values(dict(given))

    def _check_retries(self, taken: set[str]) -> None:
        if taken:
            raise ArgumentError(
                "DramatiqDelivery was given retries= and max_retries=. Give one of them.",
                ["retries", "max_retries"],
            )
        retries = _retries_of(self.broker)
        if retries is None or retries.retry_when is not None:
            cure = "Add it" if retries is None else "Leave its retry_when= out"
            raise ArgumentError(
                f"DramatiqDelivery was given retries=, and the Retries middleware of the broker is missing "
                f"or decides by itself. {cure}, or leave retries= out.",
                ["retries"],
            )

    def _check_values(self, given: dict[str, Any]) -> None:
        names = list(given)
        queue = given.pop("queue_name", self.actor.queue_name)
        if isinstance(queue, str) and _QUEUE.fullmatch(queue) is None:
            raise ArgumentError(
                f"Dramatiq takes no queue with the name {quoted_name(queue)}. Begin it with a letter, and "
                f"use letters, digits, '.', '_' and '-'.",
                ["queue_name"],
            )
        try:
            self._message("", "", given).copy(queue_name=queue).encode()
            self.broker.declare_queue(queue)  # so that a worker consumes it
        except (AttributeError, TypeError, ValueError) as error:
            raise ArgumentError(
                f"Dramatiq cannot send a message with {keyword_names(names)}: {error}. Give values that "
                f"its encoder accepts.",
                names,
            ) from error

    def losses(self) -> list[str]:
        """Return what Dramatiq loses as the broker is configured."""
        found = [] if getattr(self.broker, "confirm_delivery", True) else [_UNCONFIRMED]
        return found if _retries_of(self.broker) else [*found, _DONE]


class DramatiqDelivery(EngineDelivery):
    """Call a receiver in a Dramatiq worker, after the commit.

    The worker has to import the modules that connect the receivers, as it imports its actors.

    Args:
        broker: the Dramatiq broker.
        hold: how long a commit may wait for the broker, in seconds. RabbitMQ that does not answer is
            tried six times by Dramatiq.

    Raises:
        ArgumentError: if it is no broker.
    """

    def __init__(self, broker: Broker, *, hold: float = HOLD) -> None:
        super().__init__(DramatiqEngine(broker), hold=hold)
        if not any(isinstance(each, _Current) for each in broker.middleware):
            broker.add_middleware(_Current(self.say_losses))


def carry(receiver: str, *, uid: str) -> None:  # noqa: ARG001  # for the log
    """Call the receiver of the message that this thread processes.

    Args:
        receiver: the stable name of the receiver.
        uid: identifies the send.
    """
    broker, message = _processed.get()
    options: dict[str, Any] = message.options
    attempt: int = options.get("retries", 0) + 1
    try:
        deliver(options[_BODY], attempt)
    except Exception as error:
        wait = _wait(broker, options, error, attempt)
        if wait is None:
            raise
        logger.warning(
            "Receiver %s has failed, and is called again in %.1f s", receiver, wait, exc_info=error
        )
        raise Again(delay=round(wait * 1000)) from error


def _wait(broker: Broker, options: dict[str, Any], error: Exception, attempt: int) -> float | None:
    """Return how long to wait, in seconds; None if the Retries middleware decides.

    Its limit is in the options of the message. An unknown receiver is tried more often.
    """
    retries = _retries_of(broker)
    if retries is None:
        return None
    body = options[_BODY]
    wait = retry_after(body, error, attempt)
    limit = options.get("max_retries", retries.max_retries)
    if wait is not None:
        options["max_retries"] = None if limit is None else max(limit, attempt)
    elif isinstance(error, (DecodingError, Reject)) or read_body(body).retries is not None:
        options["max_retries"] = attempt - 1
    elif isinstance(error, Retry):
        is_over = limit is not None and attempt > limit
        return None if is_over else error.after
    return wait


def _longest_age(broker: Broker) -> int | None:
    """Return the age in milliseconds after which a broker drops messages that have none of their own."""
    found = next((each for each in broker.middleware if isinstance(each, AgeLimit)), None)
    return None if found is None else found.max_age or None


def _retries_of(broker: Broker) -> Any:
    """Return the Retries middleware of a broker, or None."""
    return next((each for each in broker.middleware if isinstance(each, Retries)), None)
