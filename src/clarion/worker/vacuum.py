"""Remove the dead rows of PostgreSQL's queue soon, because each search reads over them."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from clarion.outbox.statements import statements

if TYPE_CHECKING:
    from collections import Counter

    from clarion.worker.connections import Connections

# Autovacuum runs once a minute at most. After a burst of 100,000 deliveries, a search takes
# 20 ms instead of 1 ms until autovacuum has run.
OFTEN = 20_000  # settled deliveries
PATIENCE = 1.0  # seconds

logger = logging.getLogger("clarion.worker")


class Vacuum:
    """Vacuums the table of deliveries after many were settled, in a thread of its own.

    Args:
        connections: the connections of the worker.
        counts: the counters of the worker.
    """

    def __init__(self, connections: Connections, counts: Counter[str]) -> None:
        self._connections = connections
        self._counts = counts
        self._done_at = 0
        self._thread: threading.Thread | None = None

    def start_if_due(self) -> None:
        """Start a vacuum if this worker has settled many deliveries since the last one."""
        settled = self._counts["made"] + self._counts["skipped"] + self._counts["dead"]
        if settled - self._done_at < OFTEN or (
            self._thread is not None and self._thread.is_alive()
        ):
            return
        self._done_at = settled
        thread = threading.Thread(target=self._run, name="clarion-vacuum", daemon=True)
        thread.start()
        self._thread = thread

    def wait(self) -> None:
        """Wait a moment for the vacuum to end; a longer one closes its connection itself."""
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        try:
            with self._connections.take() as connection:
                # If the user lacks the permission, the database only gives a warning.
                if "vacuum" in statements(connection.dialect):
                    connection.change("vacuum")
        except Exception:  # autovacuum does it later
            logger.info("The table of deliveries could not be vacuumed.", exc_info=True)
