"""Taskiq on Redis and on RabbitMQ."""

import secrets
import time
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
import redis

from tests.background.brokers import OwnRedis, Proxy
from tests.background.stage import Stage
from tests.background.stages.taskiq_app import make
from tests.services import RABBITMQ


class TaskiqStage(Stage):
    """Taskiq on a broker.

    Args:
        folder: an empty folder.
        broker: the broker.
        url: its URL.
    """

    ready = "Listening started."
    relay = "tests.background.stages.taskiq_app"
    unknown = None

    def __init__(self, folder, broker, url):
        super().__init__(folder)
        self.broker = broker
        self.url = url
        self.queue = f"clarion-{secrets.token_hex(4)}"
        self.parking = {"queue_name": f"{self.queue}-parked"}
        self.taskiq, self.delivery = make(url, self.queue, self.parking["queue_name"])

    def environment(self):
        """Return the broker and the queue."""
        return {"CLARION_TEST_BROKER": self.url, "CLARION_TEST_QUEUE": self.queue}

    def close(self):
        """End the workers, close the connections, and end the broker."""
        self.kill_workers()
        engine: Any = self.delivery.engine
        engine.close()
        super().close()

    def command(self):
        """Return the command of a worker with one process."""
        path = "tests.background.stages.taskiq_app:broker"
        return ["-m", "taskiq", "worker", path, "--workers", "1"]


class TaskiqOnRedis(TaskiqStage):
    """Taskiq on a stream of a Redis of its own."""

    def __init__(self, folder):
        broker = OwnRedis(folder / "redis")
        super().__init__(folder, broker, broker.url)

    def parked(self):
        """Return the number of entries in the parking stream."""
        with redis.Redis.from_url(self.url) as client:
            return client.xlen(self.parking["queue_name"])


class TaskiqOnList(TaskiqStage):
    """Taskiq on a list of a Redis of its own."""

    def __init__(self, folder):
        broker = OwnRedis(folder / "redis")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CLARION_TEST_LIST", "1")
            super().__init__(folder, broker, broker.url)

    def environment(self):
        """Return the kind of broker too."""
        return {**super().environment(), "CLARION_TEST_LIST": "1"}


class Reconnecting(Proxy):
    """A proxy whose `start` waits for the sender, which connects again by itself after a while."""

    sender = None

    def start(self):
        """Accept connections, and wait for that of the sender."""
        super().start()
        deadline = time.monotonic() + 30
        # It has no channel before its first connection, which the test makes.
        while (channel := getattr(self.sender, "write_channel", None)) and channel.is_closed:
            assert time.monotonic() < deadline, "the sender does not connect again"
            time.sleep(0.02)


class TaskiqOnRabbit(TaskiqStage):
    """Taskiq on RabbitMQ, through a proxy that can be cut."""

    def __init__(self, folder):
        parts = urlsplit(RABBITMQ.url())
        broker = Reconnecting(parts.hostname, parts.port)
        user = f"{parts.username}:{parts.password}"
        self.uncut = f"amqp://{user}@{parts.hostname}:{parts.port}/%2F"
        super().__init__(folder, broker, f"amqp://{user}@127.0.0.1:{broker.port}/%2F")
        broker.sender = self.taskiq

    def parked(self):
        """Return the number of messages in the parking queue."""
        with self.channel() as channel:
            queue = self.parking["queue_name"]
            return channel.queue_declare(queue, passive=True).method.message_count

    @contextmanager
    def channel(self):
        """Yield a channel that is not cut."""
        with pika.BlockingConnection(pika.URLParameters(self.uncut)) as connection:
            yield connection.channel()

    def close(self):
        """Delete the queues too."""
        self.kill_workers()
        with self.channel() as channel:
            for queue in (self.queue, self.parking["queue_name"], f"{self.queue}-delayed"):
                channel.queue_delete(queue)
        super().close()
