"""Taskiq in a process that was forked after its broker was started."""

import asyncio
import os
from typing import Any

import pytest
from taskiq_redis import RedisStreamBroker

from clarion import Signal
from clarion.errors import HandOverError
from clarion.integrations.taskiq import TaskiqDelivery


def mail(sender, **kwargs):
    """Send a mail."""


@pytest.fixture
def order_paid():
    """Return a signal."""
    return Signal(name="tests.taskiq.order_paid")


def test_a_broker_of_the_parent_process_is_refused(order_paid, monkeypatch):
    """A broker of the parent process is refused, because both would read from the same connections."""
    delivery = TaskiqDelivery(RedisStreamBroker("redis://127.0.0.1:1"))
    engine: Any = delivery.engine
    order_paid.connect(mail, delivery=delivery)

    async def start():
        engine._note_start(None)

    asyncio.run(start())
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    with pytest.raises(HandOverError, match="post_fork"):
        order_paid.send(None)
    with pytest.raises(HandOverError, match="post_fork"):
        asyncio.run(order_paid.asend(None))
    engine._note_end(None)
