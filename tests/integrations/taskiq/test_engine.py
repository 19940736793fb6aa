"""TaskiqDelivery, with Taskiq's own broker for tests."""

import asyncio
import re
import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from taskiq import InMemoryBroker, ScheduleSource, SimpleRetryMiddleware, TaskiqMiddleware

from clarion import Signal
from clarion.background.monitoring import TASK
from clarion.commit import atomic
from clarion.errors import ArgumentError, HandOverError
from clarion.integrations.taskiq import TaskiqDelivery, engine
from tests.integrations.engine_receivers import amail, calls, fail, mail, reject, retry_once


@pytest.fixture
def order_paid():
    """Return a signal."""
    calls.clear()
    return Signal(name="tests.taskiq.order_paid")


@pytest.fixture
def broker():
    """Yield a broker that runs a task inside the send."""
    made = InMemoryBroker(await_inplace=True)
    yield made
    made.executor.shutdown()


class Source(ScheduleSource):
    """Keeps what it is given."""

    def __init__(self):
        self.kept: list[Any] = []

    async def get_schedules(self):
        return self.kept

    async def add_schedule(self, schedule):
        self.kept.append(schedule)


class Kept(InMemoryBroker):
    """Keeps messages, as a broker with a worker does."""

    def __init__(self):
        super().__init__()
        self.kept: list[Any] = []

    async def kick(self, message):
        self.kept.append(message)

    @property
    def labels(self):
        """The labels of the messages."""
        return [each.labels for each in self.kept]


def test_sync_code_sends_by_a_thread(order_paid, broker):
    """For sync code the broker is started on a loop of its own; sync and async receivers run."""
    delivery = TaskiqDelivery(broker)
    order_paid.connect(mail, delivery=delivery)
    order_paid.connect(amail, delivery=delivery)
    order_paid.send("web")
    assert calls == [1, 1]


def test_async_code_sends_by_itself(order_paid, broker):
    """Async code sends on the running event loop."""
    order_paid.connect(amail, delivery=TaskiqDelivery(broker))
    asyncio.run(order_paid.asend("web"))
    assert calls == [1]


def test_a_started_broker_is_used_on_its_loop(order_paid):
    """Sync code in threads, and another event loop, use a started broker on its own loop."""
    used: list[Any] = []

    class Noting(Kept):
        async def kick(self, message):
            used.append(asyncio.get_running_loop())

    broker = Noting()
    order_paid.connect(mail, delivery=TaskiqDelivery(broker))

    async def main():
        await broker.startup()
        await asyncio.to_thread(order_paid.send, "web")
        await order_paid.asend("web")
        await broker.shutdown()
        return asyncio.get_running_loop()

    loop = asyncio.run(main())
    assert used == [loop, loop]
    order_paid.send("web")
    assert used[2] is not loop


def test_a_sync_send_on_the_brokers_loop_is_refused(order_paid):
    """A sync send on the broker's loop is refused, because it would wait for itself."""
    broker = Kept()
    order_paid.connect(mail, delivery=TaskiqDelivery(broker))

    async def main():
        await broker.startup()
        order_paid.send("web")

    with pytest.raises(HandOverError, match="asend"):
        asyncio.run(main())
    assert broker.kept == []


def test_an_async_session_commits_on_the_brokers_loop(order_paid):
    """A broker that the loop has started gets the calls of an AsyncSession that commits there."""
    broker = Kept()
    order_paid.connect(mail, delivery=TaskiqDelivery(broker))

    async def main():
        await broker.startup()
        engine = create_async_engine("sqlite+aiosqlite://")
        async with AsyncSession(engine) as session, session.begin():
            await order_paid.asend("web", session=session)
            assert broker.kept == []
        await engine.dispose()

    asyncio.run(main())
    assert len(broker.kept) == 1


def test_a_broker_that_does_not_answer_is_left(order_paid):
    """A send stops waiting for a broker after `hold` seconds."""

    class Silent(InMemoryBroker):
        async def kick(self, message):
            await asyncio.Event().wait()

    order_paid.connect(mail, delivery=TaskiqDelivery(Silent(), hold=0.05))
    with pytest.raises(HandOverError, match=r"0\.05 s"):
        order_paid.send("web")
    with pytest.raises(HandOverError, match=r"0\.05 s"):
        asyncio.run(order_paid.asend("web"))


def test_calls_of_a_commit_share_the_time(order_paid):
    """A sync commit waits for a call only as long as the refused ones before it have left."""

    class RefusingThenSilent(InMemoryBroker):
        refused = 0

        async def kick(self, message):
            if self.refused:
                await asyncio.Event().wait()
            self.refused += 1
            await asyncio.sleep(0.1)
            raise ConnectionError

    order_paid.connect(mail, delivery=TaskiqDelivery(RefusingThenSilent(), hold=0.5))
    with closing(sqlite3.connect(":memory:")) as connection, atomic(connection):
        responses = [order_paid.send("web")[0][1] for _ in range(3)]
    _, silent, late = (str(each.response) for each in responses)
    (seconds,) = re.findall(r"has not confirmed a call of .* within (\S+) s", silent)
    assert 0 < float(seconds) < 0.45
    assert "has waited 0.5 s for other calls" in late


def test_a_task_shows_the_receiver(order_paid):
    """The label and the id of a task show the receiver."""
    broker = Kept()
    order_paid.connect(mail, delivery=TaskiqDelivery(broker)(name="mail", queue_name="slow"))
    ((_, response),) = order_paid.send("web")
    (message,) = broker.kept
    assert message.task_name == TASK
    assert message.task_id == f"mail:{response.uid}"
    assert message.labels["receiver"] == "mail"
    assert message.labels["queue_name"] == "slow"


def test_retries_are_runs_after_the_first(order_paid, broker):
    """With two retries a receiver runs three times, without a middleware."""
    order_paid.connect(fail, delivery=TaskiqDelivery(broker)(retries=2))
    order_paid.send("web")
    assert calls == [1, 2, 3]


def test_a_middleware_does_not_multiply_retries(order_paid, broker):
    """A retry middleware is switched off for the call, so that retries do not multiply."""
    broker.add_middlewares(SimpleRetryMiddleware(default_retry_label=True))
    order_paid.connect(fail, delivery=TaskiqDelivery(broker)(retries=1))
    order_paid.send("web")
    assert calls == [1, 2]


def test_without_retries_the_middleware_decides(order_paid, broker):
    """Without `retries` the middleware decides by its labels, and `Reject` ends the call."""
    broker.add_middlewares(SimpleRetryMiddleware())
    delivery = TaskiqDelivery(broker)(retry_on_error=True, max_retries=2)
    order_paid.connect(fail, sender="a", delivery=delivery)
    order_paid.connect(reject, sender="b", delivery=delivery)
    order_paid.send("a")
    assert calls == [1, 2]
    order_paid.send("b")
    assert calls == [1, 2, 1]


def test_without_retries_and_a_middleware_there_is_one_run(order_paid, broker):
    """Without `retries` and a middleware there is one run, Taskiq's default."""
    order_paid.connect(fail, delivery=TaskiqDelivery(broker))
    order_paid.send("web")
    assert calls == [1]


def test_a_receiver_decides(order_paid, broker):
    """`Retry` causes another attempt, and `Reject` prevents one."""
    delivery = TaskiqDelivery(broker)(retries=3)
    order_paid.connect(retry_once, sender="a", delivery=delivery)
    order_paid.connect(reject, sender="b", delivery=delivery)
    order_paid.send("a")
    assert calls == [1, 2]
    order_paid.send("b")
    assert calls == [1, 2, 1]


def test_a_call_that_is_not_due_is_put_back(order_paid, broker, monkeypatch):
    """A worker holds a delayed call for a short time, and then puts it back."""
    monkeypatch.setattr(engine, "LONGEST_SLEEP", 0.01)
    order_paid.connect(mail, delivery=TaskiqDelivery(broker)(delay=0.05))
    order_paid.send("web")
    assert calls == [1]
    assert len(broker.result_backend.results) == 1


def test_a_schedule_source_keeps_delayed_calls(order_paid):
    """A schedule source keeps delayed calls, and the broker gets them from the scheduler."""
    broker, source = Kept(), Source()
    delivery = TaskiqDelivery(broker, schedule_source=source)
    order_paid.connect(mail, delivery=delivery(name="mail", delay=60))
    order_paid.send("web")
    (schedule,) = source.kept
    assert broker.kept == []
    assert schedule.time is not None
    assert schedule.task_name == TASK
    assert schedule.labels["receiver"] == "mail"


def test_a_broker_that_delays_keeps_delayed_calls(order_paid):
    """A broker with delays keeps a delayed call by its label, which other calls lack."""
    broker = Kept()  # a class of its own, which may know the label
    delivery = TaskiqDelivery(broker, broker_delays=True)
    order_paid.connect(mail, delivery=delivery(delay=60))
    order_paid.connect(amail, delivery=delivery)
    order_paid.send("web")
    assert [each.get("delay") for each in broker.labels] == ["60", None]


def test_a_schedule_source_keeps_retries(order_paid):
    """With a schedule source no worker waits for the next attempt."""
    broker, source = InMemoryBroker(await_inplace=True), Source()
    order_paid.connect(fail, delivery=TaskiqDelivery(broker, schedule_source=source)(retries=5))
    order_paid.send("web")
    (schedule,) = source.kept
    assert calls == [1]
    assert schedule.labels["clarion_attempt"] == "2"


def test_an_unknown_receiver_is_tried_again(order_paid):
    """A call of an unknown receiver is tried again, without `retries`, too."""
    broker, source = Kept(), Source()
    delivery = TaskiqDelivery(broker, schedule_source=source)(retries=0)
    order_paid.connect(mail, delivery=delivery)
    order_paid.send("web")
    order_paid.disconnect(mail)
    asyncio.run(broker.receiver.callback(broker.kept[0].message))
    order_paid.connect(mail, delivery=delivery)
    (schedule,) = source.kept
    assert calls == []
    assert schedule.labels["clarion_attempt"] == "2"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"receiver": "x"}, {"receiver"}),
        ({"retries": 2, "max_retries": 3}, {"max_retries"}),
        ({"queue_name": ["mail"]}, {"queue_name"}),
        ({"key": "order_id"}, {"key"}),
    ],
)
def test_options_that_it_cannot_keep_are_refused(order_paid, broker, options, names):
    """Options that the broker cannot keep are refused at connect, with their names."""
    with pytest.raises(ArgumentError) as caught:
        order_paid.connect(mail, delivery=TaskiqDelivery(broker)(**options))
    assert set(caught.value.names) == names


def test_concurrent_first_sends_start_the_broker_once(order_paid):
    """Two threads that send first wait for the same start."""
    starts: list[int] = []

    class Noting(Kept):
        async def startup(self):
            starts.append(1)
            await asyncio.sleep(0.05)
            await super().startup()

    order_paid.connect(mail, delivery=TaskiqDelivery(Noting()))
    threads = [threading.Thread(target=order_paid.send, args=["web"]) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert starts == [1]


def test_a_span_of_the_send_has_the_name_of_the_receiver(order_paid, broker):
    """Also if the middleware that begins it is added after the delivery."""
    trace: Any = pytest.importorskip("opentelemetry.trace")
    base: Any = trace.NonRecordingSpan

    class Span(base):
        name = "send/clarion.deliver"

        def update_name(self, name):
            names.append(name)

    class Tracing(TaskiqMiddleware):
        def pre_send(self, message):
            begun.append(trace.use_span(Span(trace.SpanContext(1, 1, is_remote=False))))
            begun[0].__enter__()
            return message

    begun: list[Any] = []
    names: list[str] = []
    order_paid.connect(mail, delivery=TaskiqDelivery(broker)(name="shop.mail"))
    broker.add_middlewares(Tracing())
    asyncio.run(order_paid.asend("web"))
    assert names[0] == "send/shop.mail"
    broker.middlewares = []
    [(_, handed)] = asyncio.run(order_paid.asend("web"))
    assert handed.outcome == "enqueued"
