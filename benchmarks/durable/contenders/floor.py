"""The floor: the statements of the outbox in a loop with a decoded payload and a call.

It has no worker: no threads, leases, retries, time limits, or receivers that may be async.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar

from benchmarks.durable.contenders.clarion_worker import ClarionWorker, mail, ship
from clarion.outbox import store

if TYPE_CHECKING:
    from collections.abc import Iterable

LEASE = 30_000  # milliseconds


class Floor100(ClarionWorker):
    """The statements for 100 deliveries at a time."""

    name = "bare statements, 100 at a time"
    publishes = False
    serves = False
    batch: ClassVar[int] = 100

    def drain(self, *, keyed: bool) -> None:
        """Claim, decode, call and settle until there is nothing left."""
        with closing(self._database.connect()) as connection:
            if keyed:
                self._drain_partitions(connection)
            while not keyed:
                with connection.transaction():
                    claims = store.claim(connection, "mail", self.batch, LEASE)
                if not claims:
                    return
                _call(mail, claims)
                with connection.transaction():
                    store.settle(connection, claims)

    def _drain_partitions(self, connection: Any) -> None:
        with connection.transaction():
            store.add_partitions(connection, ["ship"])
        while due := store.due_partitions(connection, ["ship"]):
            for name, part in due:
                with connection.transaction():
                    held = store.lease_partition(connection, name, part, LEASE)
                if held is None:
                    continue
                while claims := store.window(connection, held, self.batch):
                    _call(ship, claims)
                    with connection.transaction():
                        if store.hold_partition(connection, held):
                            store.settle(connection, claims)
                with connection.transaction():
                    store.release_partition(connection, held)


class Floor500(Floor100):
    """The statements for 500 deliveries at a time, the default of a worker."""

    name = "bare statements, 500 at a time"
    batch = 500


def _call(receiver: Any, claims: Iterable[Any]) -> None:
    for claim in claims:
        receiver(None, **json.loads(claim.payload)["values"])
