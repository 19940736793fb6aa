"""An outbox by its URL, with waiting and dead deliveries of a shop."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from clarion import Signal
from clarion.envelope import seal
from clarion.outbox import lapses, open_database, store
from clarion.outbox.delivery_row import Target, partition_of
from clarion.outbox.tables import create_tables
from clarion.worker.connections import in_transaction

order_paid = Signal(name="shop.order_paid")


@dataclass
class Shop:
    """A database with an outbox.

    Attributes:
        url: its URL.
    """

    url: str

    def __post_init__(self):
        self.database = open_database(self.url)

    def run(self, function, *arguments):
        """Call a function of the store in a transaction."""
        with closing(self.database.connect()) as connection:
            return in_transaction(connection, lambda open_: function(open_, *arguments))

    def create(self):
        """Create the tables."""
        self.run(create_tables)
        return self

    def publish(self, receiver="shop:mail", key=None, signal=order_paid, **keywords):
        """Store one delivery."""
        envelope = seal(signal, {"sender": None, "signal": signal, **keywords})
        self.run(store.publish, envelope, [Target(receiver, key)])

    def bury(self, receiver="shop:mail", error="ValueError: no", **keywords):
        """Store one delivery that was given up, and return its id."""
        key = keywords.get("key")
        self.publish(receiver, **keywords)

        def claimed(connection):
            if key is None:
                return store.claim(connection, receiver, 1, 60_000)
            store.add_partitions(connection, [receiver])
            held: Any = store.lease_partition(connection, receiver, partition_of(key), 60_000)
            return store.window(connection, held, 1)

        def give_up(connection):
            (claim,) = claimed(connection)
            assert store.bury(connection, receiver, claim, error, block=True)
            return claim.id

        return self.run(give_up)

    def lose_workers(self, count, receiver="shop:mail"):
        """Let workers vanish while they hold the next delivery of a receiver by itself."""

        def claim(connection):
            (claim,) = store.claim(connection, receiver, 1, 0)
            return claim

        def vanish(connection):
            lapses.begin(connection, claim(connection), None)

        self.run(claim)
        for _ in range(count - 1):
            self.run(vanish)
        return self.run(claim).id

    def dead(self):
        """Return the ids of the dead deliveries."""
        return [each.id for each in self.run(store.list_dead)]

    def counts(self):
        """Return how many deliveries wait and are dead, by receiver."""
        return {each.receiver: (each.deliveries, each.dead) for each in self.run(store.waiting)}
