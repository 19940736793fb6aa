"""Celery on Redis and on RabbitMQ."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.background.brokers import OwnRedis, Proxy
from tests.background.stage import Stage
from tests.background.stages.celery_app import FORGETFUL, make
from tests.services import RABBITMQ


class CeleryStage(Stage):
    """Celery on a broker.

    Args:
        folder: an empty folder.
        broker: the broker.
        url: its URL.
    """

    ready = "ready."
    relay = "tests.background.stages.celery_app"
    settings: Mapping[str, Any] = {}

    def __init__(self, folder, broker, url):
        super().__init__(folder)
        self.broker = broker
        self.url = url
        self.queue = f"clarion-{secrets.token_hex(4)}"
        self.parking = {"queue": f"{self.queue}-parked"}
        self.app, self.delivery = make(url, task_default_queue=self.queue, **self.settings)

    def environment(self):
        """Return the broker and the queue."""
        return {"CLARION_TEST_BROKER": self.url, "CLARION_TEST_QUEUE": self.queue}

    def command(self):
        """Return the command of a worker with one process."""
        module = "tests.background.stages.celery_app"
        return ["-m", "celery", "-A", module, "worker", "-c", "1", "-l", "INFO", "--without-mingle"]

    def parked(self):
        """Return the number of messages in the parking queue."""
        with self.app.connection_for_read() as connection, connection.channel() as channel:
            queue = self.app.amqp.queues[self.parking["queue"]](channel)
            try:
                return queue.queue_declare(passive=True).message_count
            except connection.channel_errors:
                return 0  # it does not exist yet

    def close(self):
        """End the workers, delete the queues, and end the broker."""
        self.kill_workers()
        with self.app.connection_for_write() as connection, connection.channel() as channel:
            for name in (self.queue, self.parking["queue"]):
                self.app.amqp.queues[name](channel).delete()
        self.app.close()
        super().close()


class CeleryOnRedis(CeleryStage):
    """Celery on a Redis of its own."""

    def __init__(self, folder):
        broker = OwnRedis(folder / "redis")
        super().__init__(folder, broker, broker.url)


class ForgetfulCelery(CeleryOnRedis):
    """Celery on Redis, as it is without settings."""

    settings = FORGETFUL

    def environment(self):
        """Return the settings of the worker too."""
        return {**super().environment(), "CLARION_TEST_FORGETFUL": "1"}


class CeleryOnRabbit(CeleryStage):
    """Celery on RabbitMQ, through a proxy that can be cut."""

    def __init__(self, folder):
        parts = urlsplit(RABBITMQ.url())
        broker = Proxy(parts.hostname, parts.port)
        user = f"{parts.username}:{parts.password}"
        super().__init__(folder, broker, f"amqp://{user}@127.0.0.1:{broker.port}{parts.path}")
