"""TaskiqDelivery, beside its broker."""

import asyncio
from typing import Any

import pytest
from taskiq_redis import ListQueueBroker

from clarion.errors import ArgumentError
from clarion.integrations.taskiq import TaskiqDelivery


def test_a_worker_says_at_its_start_what_is_lost(caplog):
    """A worker logs each loss once at its start, with the setting."""
    broker = ListQueueBroker("redis://127.0.0.1")
    TaskiqDelivery(broker)
    broker.is_worker_process = True
    asyncio.run(broker.startup())
    assert [each.message for each in caplog.records if "ListQueueBroker" in each.message] != []


def test_only_brokers_are_accepted():
    """Anything but a broker of Taskiq is refused."""
    no_broker: Any = "redis://"
    with pytest.raises(ArgumentError, match="broker"):
        TaskiqDelivery(no_broker)
