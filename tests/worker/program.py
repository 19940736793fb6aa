"""A program with a worker, which tests start in a process of its own, and kill.

python -m tests.worker.program URL run|drain [LEASE]
"""

import os
import sys
from contextlib import closing
from threading import local

from clarion import Signal, durable
from clarion.outbox import open_database
from clarion.worker import Worker
from tests.worker.stage import LEASE, note

KEYS = 5
BATCH = 100  # deliveries
DEADLY, DEATH = 3, 42  # the number of the send, and the exit code

paid = Signal(name="scenario.paid")
poisoned = Signal(name="scenario.poisoned")
_own = local()


def connect_receivers(url):
    """Connect one receiver of each kind."""
    database = open_database(url)

    def plain(sender, n, **kwargs):
        """Write outside of the transaction of the delivery."""
        if not hasattr(_own, "connection"):
            _own.connection = database.connect()
        note(_own.connection.connection, "plain", "", n)

    def same(sender, n, connection, **kwargs):
        """Write in the transaction of the delivery."""
        note(connection, "same", "", n)

    def ordered(sender, n, key, connection, **kwargs):
        """Write in the transaction of the delivery, in the order of the key."""
        note(connection, "ordered", key, n)

    def deadly(sender, n, **kwargs):
        """End the process, as a crash in C does, or write."""
        if n == DEADLY:
            os._exit(DEATH)
        plain(sender, n)

    poisoned.connect(deadly, delivery=durable(name="deadly", retries=0))
    effects = "same database"
    paid.connect(plain, delivery=durable(name="plain"))
    paid.connect(same, delivery=durable(name="same", effects=effects))
    paid.connect(ordered, delivery=durable(name="ordered", key="key", effects=effects))


def main(url, mode, lease=LEASE):
    """Run a worker."""
    connect_receivers(url)
    database = open_database(url)
    with closing(database.connect()) as connection:
        connection.rows("now")
    worker = Worker(database, lease=float(lease), batch=BATCH, concurrency=4)
    getattr(worker, mode)()


if __name__ == "__main__":
    main(*sys.argv[1:])
