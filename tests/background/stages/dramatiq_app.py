"""The Dramatiq broker of the tests, in the test's process and in each worker."""

import os
from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker

from clarion.integrations.dramatiq import DramatiqDelivery
from tests.background.program import connect


def make(url, queue):
    """Return a broker and a delivery to it."""
    broker: Any
    if url.startswith("amqp"):
        broker = RabbitmqBroker(url=url, confirm_delivery=True)
    else:
        broker = RedisBroker(url=url, heartbeat_timeout=5000, maintenance_chance=1_000_000)
    dramatiq.set_broker(broker)
    return broker, DramatiqDelivery(broker)(queue_name=queue)


if os.environ.get("CLARION_TEST_WORKER"):
    broker, delivery = make(os.environ["CLARION_TEST_BROKER"], os.environ["CLARION_TEST_QUEUE"])
    connect(delivery)
