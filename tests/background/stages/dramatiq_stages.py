"""Dramatiq on Redis and on RabbitMQ."""

import secrets
from urllib.parse import urlsplit

import pika

from tests.background.brokers import OwnRedis, Proxy
from tests.background.stage import Stage
from tests.background.stages.dramatiq_app import make
from tests.services import RABBITMQ


class DramatiqStage(Stage):
    """Dramatiq on a broker.

    Args:
        folder: an empty folder.
        broker: the broker.
        url: its URL.
    """

    ready = "Worker process is ready for action."
    relay = "tests.background.stages.dramatiq_app"

    def __init__(self, folder, broker, url):
        super().__init__(folder)
        self.broker = broker
        self.url = url
        self.queue = f"clarion-{secrets.token_hex(4)}"
        self.parking = {"queue_name": f"{self.queue}-parked"}
        self.dramatiq, self.delivery = make(url, self.queue)

    def environment(self):
        """Return the broker and the queue."""
        return {"CLARION_TEST_BROKER": self.url, "CLARION_TEST_QUEUE": self.queue}

    def command(self):
        """Return the command of a worker with one process and one thread."""
        module = "tests.background.stages.dramatiq_app"
        return ["-m", "dramatiq", module, "-p", "1", "-t", "1", "--queues", self.queue]


class DramatiqOnRedis(DramatiqStage):
    """Dramatiq on a Redis of its own."""

    def __init__(self, folder):
        broker = OwnRedis(folder / "redis")
        super().__init__(folder, broker, broker.url)

    def parked(self):
        """Return the number of messages in the parking queue."""
        return self.dramatiq.client.llen(f"dramatiq:{self.parking['queue_name']}")


class DramatiqOnRabbit(DramatiqStage):
    """Dramatiq on RabbitMQ, through a proxy that can be cut."""

    def __init__(self, folder):
        parts = urlsplit(RABBITMQ.url())
        broker = Proxy(parts.hostname, parts.port)
        user = f"{parts.username}:{parts.password}"
        self.uncut = f"amqp://{user}@{parts.hostname}:{parts.port}/%2F"
        super().__init__(folder, broker, f"amqp://{user}@127.0.0.1:{broker.port}/%2F")

    def parked(self):
        """Return the number of messages in the parking queue."""
        return self.dramatiq.get_queue_message_counts(self.parking["queue_name"])[0]

    def close(self):
        """End the workers, delete the queues, and end the broker."""
        self.kill_workers()
        self.dramatiq.close()
        with pika.BlockingConnection(pika.URLParameters(self.uncut)) as connection:
            channel = connection.channel()
            for queue in (self.queue, self.parking["queue_name"]):
                for suffix in ("", ".DQ", ".XQ"):
                    channel.queue_delete(queue + suffix)
        super().close()
