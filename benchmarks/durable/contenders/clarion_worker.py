"""Clarion: its worker, and sends in `atomic()`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from benchmarks.durable.contender import INSERT, KEYS, Contender, connect
from clarion import Signal, durable
from clarion.commit import atomic
from clarion.envelope import seal
from clarion.outbox import open_database, store
from clarion.outbox.delivery_row import Target
from clarion.outbox.tables import create_tables
from clarion.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

TABLES = ("event", "delivery", "dead", "blocked", "partition", "meta")

order_paid = Signal(name="bench.order_paid")
order_noted = Signal(name="bench.order_noted")


def mail(sender: object, order_id: int, **kwargs: object) -> None:
    """Do nothing."""


def ship(sender: object, order_id: int, **kwargs: object) -> None:
    """Do nothing, in the order of a key."""


def unseen(sender: object, number: int, **kwargs: object) -> None:
    """Take the name of a receiver of another process."""


def signal_for(count: int) -> Signal:
    """Return a signal with this many durable receivers."""
    signal = Signal(name=f"bench.published{count}")
    for number in range(count):
        signal.connect(mail, dispatch_uid=number, delivery=durable(name=f"bench{number}"))
    return signal


class ClarionWorker(Contender):
    """Clarion, with its default settings."""

    name = "Clarion"
    dialects = ("postgresql", "sqlite", "mysql")
    has_keys = True
    keeps_backlog = True

    def prepare(self) -> None:
        """Connect the receivers."""
        order_paid.connect(mail, delivery=durable(name="mail"))
        order_paid.connect(ship, delivery=durable(name="ship", key="order_id"))
        self._database = open_database(self.url)

    def create(self) -> None:
        """Create the tables, with notifications."""
        with closing(self._database.connect()) as connection, connection.transaction():
            create_tables(connection, notify=True)

    def drop(self) -> None:
        """Drop the tables."""
        with closing(connect(self.url)) as connection:
            for name in TABLES:
                connection.execute(f"DROP TABLE IF EXISTS clarion_{name}")

    def fill(self, rows: int, *, keyed: bool) -> None:
        """Store deliveries as a send does."""
        with closing(self._database.connect()) as connection, connection.transaction():
            for number in range(rows):
                arguments = {"sender": None, "signal": order_paid, "order_id": number}
                target = Target("ship", str(number % KEYS)) if keyed else Target("mail")
                store.publish(connection, seal(order_paid, arguments), [target])

    def drain(self, *, keyed: bool) -> None:
        """Make the deliveries by a worker."""
        Worker(self._database).drain()

    def serve(self, note: Callable[[int], None]) -> None:
        """Start a worker."""

        def noted(sender: object, number: int, **kwargs: object) -> None:
            note(number)

        self._noted = noted
        order_noted.connect(noted, delivery=durable(name="noted"))
        Worker(self._database).start()

    def publisher(self, count: int) -> Callable[[int], object]:
        """Send in `atomic()`, on a connection of the driver."""
        return self._publisher(signal_for(count) if count else None)

    def send_one(self) -> Callable[[int], object]:
        """Send to the receiver that another process serves."""
        order_noted.connect(unseen, delivery=durable(name="noted"))
        connection = connect(self.url)

        def send(number: int) -> None:
            with atomic(connection):
                order_noted.send(None, number=number)

        return send

    def _publisher(self, signal: Signal | None) -> Callable[[int], object]:
        connection: Any = connect(self.url)

        def publish(number: int) -> None:
            with atomic(connection):
                connection.execute(INSERT)
                if signal is not None:
                    signal.send("bench", order_id=number)

        return publish
