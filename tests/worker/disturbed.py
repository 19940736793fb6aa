"""A program with a worker that stops itself, or whose clock is wrong.

python -m tests.worker.disturbed URL plain|same|none [SECONDS]
"""

import json
import os
import signal
import sys
import time
from contextlib import closing

from clarion import Signal, durable
from clarion.outbox import open_database
from clarion.worker import Worker
from tests.worker.stage import note

LEASE = 1.0  # seconds
DELAY = 1800.0  # seconds; the clock is wrong by more

paid = Signal(name="scenario.disturbed")


def connect_receivers(url, stops=None):
    """Connect one receiver of each kind.

    Args:
        url: the URL of the database.
        stops: the receiver that stops this process at the first send.
    """
    database = open_database(url)

    def stop(receiver, n):
        if receiver == stops and n == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(1.0)  # the signal may come a moment later

    def plain(sender, n, **kwargs):
        """Write outside of the transaction of the delivery."""
        stop("plain", n)
        with closing(database.connect()) as connection:
            note(connection.connection, "plain", "", n)  # type: ignore[attr-defined]  # the driver's

    def same(sender, n, connection, **kwargs):
        """Write in the transaction of the delivery."""
        note(connection, "same", "", n)
        stop("same", n)

    def later(sender, n, **kwargs):
        """Raise, because the delay of the delivery is not over."""
        raise AssertionError

    paid.connect(plain, sender="plain", delivery=durable(name="plain"))
    paid.connect(same, sender="same", delivery=durable(name="same", effects="same database"))
    paid.connect(later, sender="later", delivery=durable(name="later", delay=DELAY, retries=0))


def main(url, stops, seconds="0"):
    """Drain, and print the counts."""
    real, skew = time.time, float(seconds)
    time.time = lambda: real() + skew
    connect_receivers(url, stops)
    counts = Worker(open_database(url), lease=LEASE, concurrency=2).drain()
    json.dump(+counts, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
