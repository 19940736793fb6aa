"""RQ on a Redis of its own."""

import time

from redis import Redis
from rq import Queue

from clarion.integrations.rq import RQDelivery
from tests.background.brokers import OwnRedis
from tests.background.stage import Stage

NAME = "tests"


def make(url):
    """Return a queue and a delivery to it."""
    queue = Queue(NAME, connection=Redis.from_url(url, socket_timeout=5), serializer="json")
    return queue, RQDelivery(queue)


class RQStage(Stage):
    """RQ, whose worker has a scheduler."""

    ready = "cleaning registries"  # then its scheduler runs, too
    relay = "tests.background.stages.rq_app"

    def __init__(self, folder):
        super().__init__(folder)
        self.broker = OwnRedis(folder / "redis")
        self.url = self.broker.url
        self.queue, self.delivery = make(self.url)
        elsewhere = Queue("parked", connection=self.queue.connection, serializer="json")
        self.parking = {"depends_on": elsewhere.enqueue("builtins.print").id}

    def environment(self):
        """Return the URL of Redis."""
        return {"CLARION_TEST_BROKER": self.url}

    def command(self):
        """Return the command of a worker."""
        return ["-m", "tests.background.stages.rq_worker"]

    def stop_broker(self):
        """Stop Redis once the worker waits for a job: it quits if it loses Redis as a job ends."""
        deadline = time.monotonic() + 30
        while not self.queue.connection.info("clients")["blocked_clients"]:
            assert time.monotonic() < deadline, self.output()[-3000:]
            time.sleep(0.02)
        super().stop_broker()

    def parked(self):
        """Return the number of jobs that wait for another one."""
        return len(self.queue.deferred_job_registry.get_job_ids())
