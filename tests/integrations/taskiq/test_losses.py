"""What Taskiq loses, and what is refused for a stored delivery."""

import pytest
from taskiq import InMemoryBroker
from taskiq.middlewares import SimpleRetryMiddleware, SmartRetryMiddleware
from taskiq_aio_pika import AioPikaBroker
from taskiq_redis import ListQueueBroker, PubSubBroker, RedisStreamBroker

from clarion import Signal, durable
from clarion.errors import ArgumentError
from clarion.integrations.taskiq import TaskiqDelivery
from tests.integrations.engine_receivers import mail


@pytest.fixture
def order_paid():
    """Return a signal."""
    return Signal(name="tests.taskiq.order_paid")


@pytest.mark.parametrize(
    ("broker", "lost"),
    [
        (ListQueueBroker("redis://127.0.0.1"), ["ListQueueBroker"]),
        (PubSubBroker("redis://127.0.0.1"), ["PubSubBroker"]),
        (RedisStreamBroker("redis://127.0.0.1"), ['consumer_id="0"']),
        (RedisStreamBroker("redis://127.0.0.1", consumer_id="0"), []),
        (RedisStreamBroker("redis://127.0.0.1", consumer_id="0", maxlen=9), ["maxlen"]),
        (AioPikaBroker(), []),
        (InMemoryBroker(), []),
    ],
)
def test_what_is_lost(broker, lost):
    """Each loss names its setting, or what to use."""
    found = TaskiqDelivery(broker).engine.losses()
    assert len(found) == len(lost)
    assert all(setting in each for setting, each in zip(lost, found, strict=True))


def test_a_failed_task_of_taskiq_is_lost_without_retries(order_paid, caplog):
    """Without `retries` and without a middleware, the loss is warned of, and refused for `via`."""
    broker = RedisStreamBroker("redis://127.0.0.1", consumer_id="0")
    broker.is_worker_process = True
    delivery = TaskiqDelivery(broker)
    for middlewares in ([], [SimpleRetryMiddleware()], [SmartRetryMiddleware()]):
        broker.middlewares = []
        broker.with_middlewares(*middlewares)  # these retry nothing without a label
        for via in (delivery, delivery(retry_on_error=False)):
            with pytest.raises(
                ArgumentError, match=r"no retry middleware .* Give the delivery retries="
            ):
                order_paid.connect(mail, delivery=durable(via=via))
    order_paid.connect(mail, delivery=durable(via=delivery(retry_on_error=True), name="l"))
    order_paid.connect(mail, sender="a", delivery=durable(via=delivery(retries=2), name="a"))
    order_paid.connect(mail, sender="b", delivery=delivery(retries=0, name="b"))
    delivery.say_losses()
    assert caplog.records == []
    order_paid.connect(mail, sender="c", delivery=delivery(name="c"))
    delivery.say_losses()
    delivery.say_losses()
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    broker.with_middlewares(SimpleRetryMiddleware(default_retry_label=True))
    order_paid.connect(mail, sender="d", delivery=durable(via=delivery, name="d"))
    assert TaskiqDelivery(InMemoryBroker()).losses() == []
