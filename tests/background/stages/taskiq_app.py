"""The Taskiq broker of the tests, in the test's process and in each worker."""

import logging
import os
from typing import Any

from taskiq.middlewares import SimpleRetryMiddleware
from taskiq_aio_pika import AioPikaBroker
from taskiq_aio_pika.queue import Queue
from taskiq_redis import ListQueueBroker, RedisStreamBroker

from clarion.integrations.taskiq import TaskiqDelivery
from tests.background.program import connect


def make(url, queue, *others):
    """Return a broker and a delivery to it.

    Args:
        url: the broker.
        queue: the queue, and the RabbitMQ exchange.
        *others: other queues of RabbitMQ.
    """
    broker: Any
    if url.startswith("amqp"):
        queues = [Queue(name=name) for name in (queue, *others)]
        delayed = Queue(name=f"{queue}-delayed")
        broker = AioPikaBroker(url, qos=1, delay_queue=delayed, reconnect_interval=0.2)
        broker.with_queues(*queues)
    elif os.environ.get("CLARION_TEST_LIST"):
        broker = ListQueueBroker(url, queue_name=queue)
    else:
        broker = RedisStreamBroker(
            url, queue_name=queue, consumer_id="0", idle_timeout=5000, xread_count=1
        )
    broker.add_middlewares(SimpleRetryMiddleware())  # which retries nothing without its label
    broker_delays = url.startswith("amqp")
    return broker, TaskiqDelivery(broker, broker_delays=broker_delays)(queue_name=queue)


if os.environ.get("CLARION_TEST_WORKER"):
    # Taskiq does not configure the log of a process that a fork server has started, as in Python 3.14.
    logger = logging.getLogger("taskiq.receiver.receiver")
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.StreamHandler())
    broker, delivery = make(os.environ["CLARION_TEST_BROKER"], os.environ["CLARION_TEST_QUEUE"])
    connect(delivery)
