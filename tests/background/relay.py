"""A worker of the outbox that is killed right after it has handed over a delivery.

    python -m tests.background.relay MODULE DATABASE

MODULE has the delivery, as in a worker of the engine.
"""

import os
import signal
import sys
from importlib import import_module
from typing import Any

from clarion.background import EngineDelivery
from clarion.outbox import open_database
from clarion.worker import Worker
from tests.background.program import connect_stored

LEASE = 2.0  # seconds


def main(name, url):
    """Serve the outbox until the first delivery is handed over."""
    module: Any = import_module(name)
    connect_stored(module.delivery)
    kind: Any = EngineDelivery
    enqueue = kind.enqueue

    def enqueue_and_die(self, call):
        enqueue(self, call)
        os.kill(os.getpid(), signal.SIGKILL)

    kind.enqueue = enqueue_and_die
    Worker(open_database(url), lease=LEASE).drain()


if __name__ == "__main__":
    main(*sys.argv[1:])
