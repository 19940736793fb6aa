"""Send the tasks of a Taskiq broker, and call their receivers."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

from taskiq import (
    AsyncBroker,
    Context,
    InMemoryBroker,
    ScheduleSource,
    TaskiqDepends,
    TaskiqMessage,
    TaskiqMiddleware,
)
from taskiq.events import TaskiqEvents
from taskiq.exceptions import NoResultError

from clarion._core.fork import new_lock
from clarion._core.loops import is_loop_running
from clarion._core.names import keyword_names, value_name
from clarion.background import Engine, adeliver, check_engine_options, retry_after
from clarion.background.call import read_body
from clarion.background.loop_thread import LoopThread, run_on, run_on_from
from clarion.background.monitoring import TASK, name_hand_over
from clarion.background.options import ELSEWHERE
from clarion.errors import ArgumentError, DecodingError, HandOverError, Reject
from clarion.integrations.taskiq.losses import has_no_delays, losses_of, losses_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.background import Call, CallOptions


LONGEST_SLEEP = 5.0  # seconds
"""How long a worker holds a delayed task before it returns the task to the queue."""

_RECEIVER, _ATTEMPT, _DUE = "receiver", "clarion_attempt", "clarion_due"  # labels
_RETRYING = frozenset({"max_retries", "retry_on_error"})

_FORKED = (
    "The Taskiq broker was started before this process was forked, so both would read from the same "
    "connections. Start it in each process before the first send, for example in post_fork of the server."
)

logger = logging.getLogger("clarion.background")


# By the id of the broker, which refers to its engine.
_engines: WeakValueDictionary[int, TaskiqEngine] = WeakValueDictionary()


def engine_of(
    broker: AsyncBroker,
    schedule_source: ScheduleSource | None,
    broker_delays: bool,  # noqa: FBT001
    hold: float,
) -> TaskiqEngine:
    """Return the engine of a broker, which has one: see `TaskiqEngine`.

    Raises:
        ArgumentError: if it is no broker, or its engine has other arguments.
    """
    found = _engines.get(id(broker))
    if found is None:
        found = _engines[id(broker)] = TaskiqEngine(broker, schedule_source, broker_delays, hold)
    elif not found.keeps_calls_by(schedule_source, broker_delays):
        raise ArgumentError(
            "This broker has a TaskiqDelivery with another schedule_source= or broker_delays=, and its workers "
            "have one task for all receivers. Create the delivery once, and import it where receivers are "
            "connected.",
            ["broker_delays", "schedule_source"],
        )
    return found


class _Names(TaskiqMiddleware):
    """Names the span of an instrumentation after the receiver whose task is sent."""

    def pre_send(self, message: TaskiqMessage) -> TaskiqMessage:
        """Name the span, which a middleware before this one has begun."""
        if message.task_name == TASK:
            name_hand_over(str(message.labels.get(_RECEIVER)))
        return message


class TaskiqEngine(Engine):
    """Gives calls to the tasks of a Taskiq broker.

    The connections of a broker belong to an event loop: the one on which it was started. If
    the program has not started it, the engine starts it on a loop in a thread.

    Args:
        broker: the broker.
        schedule_source: keeps calls until their time.
        broker_delays: whether the broker keeps them, by the label `delay`.
        hold: how long `enqueue` may wait, in seconds.
    """

    name = "Taskiq"

    def __init__(
        self,
        broker: AsyncBroker,
        schedule_source: ScheduleSource | None,
        broker_delays: bool,  # noqa: FBT001
        hold: float,
    ) -> None:
        if not isinstance(cast("object", broker), AsyncBroker):
            raise ArgumentError(
                f"TaskiqDelivery was given {value_name(broker)}. Give it the Taskiq broker.",
                ["broker"],
            )
        if broker_delays and has_no_delays(broker):
            raise ArgumentError(
                f"TaskiqDelivery was given broker_delays=True, and this {type(broker).__name__} delays no "
                f"tasks. Give an AioPikaBroker with a delay_queue, or leave it out.",
                ["broker_delays"],
            )
        self.broker = broker
        self._source = schedule_source
        self._broker_delays = broker_delays
        self._hold = hold
        self._started: tuple[asyncio.AbstractEventLoop, int] | None = None
        self._thread = LoopThread("clarion-taskiq")
        self._lock = new_lock()
        for event in (TaskiqEvents.CLIENT_STARTUP, TaskiqEvents.WORKER_STARTUP):
            broker.add_event_handler(event, self._note_start)
        for event in (TaskiqEvents.CLIENT_SHUTDOWN, TaskiqEvents.WORKER_SHUTDOWN):
            broker.add_event_handler(event, self._note_end)
        self._task: Any = broker.task(TASK)(self._carrier())
        self._names = _Names()
        self._names.set_broker(broker)
        self._be_last()

    def keeps_calls_by(self, schedule_source: ScheduleSource | None, broker_delays: bool) -> bool:  # noqa: FBT001
        """Return whether this is what keeps calls until their time."""
        return self._source is schedule_source and self._broker_delays == broker_delays

    def _be_last(self) -> None:
        """Put the middleware that names spans after all that may begin one."""
        others = [each for each in self.broker.middlewares if not isinstance(each, _Names)]
        # A new list, because a task that is being sent iterates over the old one.
        self.broker.middlewares = [*others, self._names]

    def _note_start(self, _: Any) -> None:
        self._started = asyncio.get_running_loop(), os.getpid()

    def _note_end(self, _: Any) -> None:
        self._started = None

    def _home(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop on which the broker was started, if it still runs in this process."""
        if self._started is None:
            return None
        loop, process = self._started
        return loop if process == os.getpid() and loop.is_running() else None

    def _is_of_parent(self) -> bool:
        """Return whether another process has started the broker, from which this one was forked."""
        is_started_elsewhere = self._started is not None and self._started[1] != os.getpid()
        return is_started_elsewhere and not isinstance(self.broker, InMemoryBroker)

    def _start(self, seconds: float) -> asyncio.AbstractEventLoop:
        """Return the loop of the broker, which is started if it was not.

        Raises:
            HandOverError: if another process has started it, from which this one was forked.
        """
        with self._lock:
            if (home := self._home()) is not None:
                return home
            if self._is_of_parent():
                raise HandOverError(_FORKED)
            loop = self._thread.loop()
            try:
                run_on(loop, self.broker.startup(), seconds)
            except BaseException:
                self._started = None  # a broker notes its start before it connects
                raise
            atexit.register(self.close)
            return loop

    def close(self) -> None:
        """Shut the broker down, if this engine has started it. It is called at the end of the process."""
        loop = self._home()
        if loop is not None and loop is self._thread.loop():
            with suppress(Exception):  # the broker may be gone
                run_on(loop, self.broker.shutdown(), self._hold)

    def enqueue(self, call: Call) -> None:
        """Send a task from code that cannot await."""
        self.enqueue_for(call, self._hold)

    def enqueue_for(self, call: Call, seconds: float) -> None:
        """Send a task as `enqueue`, and wait not longer than a time, in seconds."""
        home, end = self._home(), time.monotonic() + seconds
        if home is not None and is_loop_running() and home is asyncio.get_running_loop():
            raise HandOverError(
                f"Sync code cannot hand {call.receiver} to Taskiq on the event loop of its broker, which it "
                f"would block. Send by asend and commit by an async session, or do both in a thread.",
                call.receiver,
            )
        try:
            home = home or self._start(seconds)
            run_on(home, self._send(call), end - time.monotonic())
        except TimeoutError as error:
            raise HandOverError(
                f"Taskiq has not confirmed a call of {call.receiver} within {seconds:g} s. See whether "
                f"its broker answers; hold= of the delivery sets the time.",
                call.receiver,
            ) from error

    async def aenqueue(self, call: Call) -> None:
        """Send a task on the loop of the broker."""
        if isinstance(self.broker, InMemoryBroker):
            await self._send(call)  # the broker has no connections, and runs the task on this loop
            return
        home = self._home()
        if home is None:
            home = await asyncio.to_thread(self._start, self._hold)
        await run_on_from(home, self._send(call))

    async def _send(self, call: Call) -> None:
        labels = {**call.options, _RECEIVER: call.receiver}
        if call.retries is not None:
            # No middleware retries it, too. The broker keeps it until the next attempt is enqueued.
            labels = {"ack_type": "manual", **labels, "retry_on_error": False}
        await self._kick(call.body, labels, f"{call.receiver}:{call.uid}", call.delay)

    async def _kick(
        self, body: str, labels: dict[str, Any], task_id: str, wait: float = 0.0
    ) -> None:
        labels = {name: value for name, value in labels.items() if name not in {_DUE, "delay"}}
        due = time.time() + wait
        if wait and self._source is None:
            labels |= {"delay": wait} if self._broker_delays else {_DUE: due}
        if not any(isinstance(each, _Names) for each in self.broker.middlewares[-1:]):
            self._be_last()  # the program has changed the list since
        kicker = self._task.kicker().with_task_id(task_id).with_labels(**labels)
        if wait and self._source is not None:
            await kicker.schedule_by_time(self._source, datetime.fromtimestamp(due, UTC), body)
        else:
            await kicker.kiq(body)

    def _carrier(self) -> Any:
        async def carry(body: str, context: Context = TaskiqDepends()) -> None:  # noqa: B008
            await self._carry(body, context)

        return carry

    async def _carry(self, body: str, context: Context) -> None:
        """Call the receiver of a task at its time, and send the task again after a failure."""
        labels, task_id = context.message.labels, context.message.task_id
        if (early := float(labels.get(_DUE, 0)) - time.time()) > 0:
            await asyncio.sleep(min(early, LONGEST_SLEEP))
            if early > LONGEST_SLEEP:
                await self._kick(body, labels, task_id, early - LONGEST_SLEEP)
                await _end(context)
                raise NoResultError
        attempt = int(labels.get(_ATTEMPT, 1)) + int(labels.get("_retries", 0))
        try:
            await adeliver(body, attempt)
        except Exception as error:
            wait = retry_after(body, error, attempt)
            if wait is None:
                await self._give_up(body, context, error)
                raise
            name = labels.get(_RECEIVER)
            logger.warning(
                "Receiver %s has failed, and is called again in %.1f s", name, wait, exc_info=error
            )
            again = {**labels, _ATTEMPT: int(labels.get(_ATTEMPT, 1)) + 1}
            await self._kick(body, again, task_id, wait)
            await _end(context)
            raise NoResultError from None  # it is stored for the last attempt only
        await _end(context)

    async def _give_up(self, body: str, context: Context, error: Exception) -> None:
        """Let the middleware of the broker try again, if the call has no number of retries."""
        is_final = isinstance(error, (DecodingError, Reject))
        if is_final or read_body(body).retries is not None:
            context.message.labels["retry_on_error"] = False
            await _end(context)

    def check(self, options: CallOptions) -> None:
        """Refuse labels that Taskiq would change, and those that Clarion sets."""
        given = options.engine
        if foreign := given.keys() & ELSEWHERE.keys() - {"max_retries"}:
            check_engine_options("Taskiq", {name: given[name] for name in foreign}, ())
        ours = {_RECEIVER, _ATTEMPT, _DUE}
        ours = ours if options.retries is None else ours | _RETRYING
        if taken := given.keys() & ours:
            raise ArgumentError(
                f"TaskiqDelivery was given {keyword_names(taken)}, which Clarion sets. Leave it out; "
                f"retries= is the number of retries.",
                taken,
            )
        wrong = [
            name for name, each in given.items() if type(each) not in {bool, bytes, float, int, str}
        ]
        if wrong:
            raise ArgumentError(
                f"TaskiqDelivery was given {keyword_names(wrong)} with a value that is no label of Taskiq. "
                f"Give text, a number, a bool or bytes.",
                wrong,
            )

    def losses(self) -> list[str]:
        """Return what Taskiq loses with this broker."""
        return losses_of(self.broker)

    def losses_with(self, options: CallOptions) -> Sequence[str]:
        """Return that a failed task is not made again, without `retries` and without a middleware."""
        return losses_with(self.broker, options)


async def _end(context: Context) -> None:
    """Acknowledge a task, unless its broker cannot."""
    if context.is_ackable:
        await context.ack()
