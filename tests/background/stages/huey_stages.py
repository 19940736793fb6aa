"""Huey on a file of SQLite, and on a Redis of its own."""

from huey import RedisHuey, SqliteHuey

from clarion.integrations.huey import HueyDelivery
from tests.background.brokers import OwnRedis
from tests.background.stage import Stage


def make(address):
    """Return an instance of Huey and a delivery to it.

    Args:
        address: the URL of Redis, or a file.
    """
    if address.startswith("redis:"):
        huey = RedisHuey("tests", url=address)
    else:
        huey = SqliteHuey("tests", filename=address)
    return huey, HueyDelivery(huey)


class NoBroker:
    """In place of a broker that can be stopped."""

    def close(self):
        """Do nothing."""


class HueyStage(Stage):
    """Huey with its storage at an address."""

    ready = "Huey consumer started"
    address: str

    def __init__(self, folder):
        super().__init__(folder)
        self.huey, self.delivery = make(self.address)

    def environment(self):
        """Return the address of the storage."""
        return {"CLARION_TEST_BROKER": self.address}

    def command(self):
        """Return the command of a consumer with one thread."""
        module = "tests.background.stages.huey_worker.huey"
        return ["-m", "huey.bin.huey_consumer", module, "-w", "1", "-s", "1", "-d", "0.02"]


class HueyOnSqlite(HueyStage):
    """Huey on a file."""

    broker = NoBroker()

    def __init__(self, folder):
        self.address = str(folder / "huey.db")
        super().__init__(folder)


class HueyOnRedis(HueyStage):
    """Huey on Redis."""

    def __init__(self, folder):
        broker = OwnRedis(folder / "redis")
        self.address, self.broker = broker.url, broker
        super().__init__(folder)
