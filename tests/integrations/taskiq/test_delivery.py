"""TaskiqDelivery, beside its broker."""

import asyncio
from typing import Any

import pytest
from taskiq import InMemoryBroker
from taskiq.schedule_sources import LabelScheduleSource
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


def test_two_deliveries_share_an_engine():
    """Two deliveries of a broker have one engine, so that the broker is started and its task registered once."""
    broker = InMemoryBroker()
    first, second = TaskiqDelivery(broker), TaskiqDelivery(broker, hold=2)
    assert first.engine is second.engine
    assert (first.hold, second.hold) == (10, 2)
    assert TaskiqDelivery(InMemoryBroker()).engine is not first.engine


def test_a_broker_keeps_its_calls_in_one_way():
    """A second delivery with another `schedule_source` or `broker_delays` is refused."""
    broker = InMemoryBroker()
    first = TaskiqDelivery(broker, schedule_source=LabelScheduleSource(broker))
    with pytest.raises(ArgumentError, match="another schedule_source="):
        TaskiqDelivery(broker)
    assert first.engine.name == "Taskiq"


def test_only_brokers_are_accepted():
    """Anything but a broker of Taskiq is refused."""
    no_broker: Any = "redis://"
    with pytest.raises(ArgumentError, match="broker"):
        TaskiqDelivery(no_broker)
