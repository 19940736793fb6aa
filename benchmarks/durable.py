"""The speed of durable receivers beside bare statements, in the same run.

    python -m benchmarks.durable sqlite:////tmp/bench.db
    python -m benchmarks.durable postgresql://root@127.0.0.1/bench

The database must be empty; its tables `clarion_*` and `bench` are dropped at the end. A rate is
the best of three runs. The floor claims, decodes, calls and settles in one loop, without a worker.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from contextlib import closing
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from clarion import Signal, durable
from clarion.commit import atomic
from clarion.envelope import seal
from clarion.outbox import open_database, store
from clarion.outbox.delivery_row import Target
from clarion.outbox.tables import create_tables
from clarion.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.outbox import Database

BATCH = 500
KEYS = 10
RUNS = 3
TABLES = ("event", "delivery", "dead", "blocked", "partition", "meta")

order_paid = Signal(name="bench.order_paid")


def mail(sender: object, order_id: int, **kwargs: object) -> None:
    """Do nothing."""


def ship(sender: object, order_id: int, **kwargs: object) -> None:
    """Do nothing, in the order of a key."""


def fill(database: Database, rows: int, *, keyed: bool) -> None:
    """Store deliveries for one of the receivers."""
    with closing(database.connect()) as connection, connection.transaction():
        for number in range(rows):
            arguments = {"sender": None, "signal": order_paid, "order_id": number}
            target = Target("ship", str(number % KEYS)) if keyed else Target("mail")
            store.publish(connection, seal(order_paid, arguments), [target])


def floor(database: Database) -> None:
    """Make the deliveries without a key by bare statements."""
    with closing(database.connect()) as connection:
        while True:
            with connection.transaction():
                claims = store.claim(connection, "mail", BATCH, 30_000)
            if not claims:
                return
            for claim in claims:
                mail(None, **json.loads(claim.payload)["values"])
            with connection.transaction():
                store.settle(connection, claims)


def drain(database: Database) -> None:
    """Make the deliveries by a worker."""
    Worker(database, batch=BATCH).drain()


def rate(database: Database, rows: int, make: Callable[[Database], None], *, keyed: bool) -> float:
    """Return the deliveries a second, the best of some runs."""
    seconds: list[float] = []
    for _ in range(RUNS):
        fill(database, rows, keyed=keyed)
        begun = perf_counter()
        make(database)
        seconds.append(perf_counter() - begun)
    return rows / min(seconds)


def publish(database: Database, receivers: int, sends: int) -> float:
    """Return the median seconds of a transaction that inserts a row and sends once."""
    signal = Signal(name="bench.published")
    for number in range(receivers):
        signal.connect(mail, dispatch_uid=number, delivery=durable(name=f"bench{number}"))
    seconds: list[float] = []
    with closing(database.connect()) as opened:
        raw: Any = opened
        connection = raw.connection
        for number in range(sends):
            begun = perf_counter()
            with atomic(connection):
                connection.cursor().execute(f"INSERT INTO bench VALUES ({number})")  # noqa: S608
                signal.send("bench", order_id=number)
            seconds.append(perf_counter() - begun)
    return median(seconds)


def main(arguments: list[str] | None = None) -> int:
    """Print the rates and the ratios."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("url", help="the URL of an empty database")
    parser.add_argument("--rows", type=int, default=20_000, help="deliveries for each run")
    parser.add_argument("--sends", type=int, default=2_000, help="transactions for each count")
    chosen = parser.parse_args(arguments)
    database = open_database(chosen.url)
    order_paid.connect(mail, delivery=durable(name="mail"))
    order_paid.connect(ship, delivery=durable(name="ship", key="order_id"))
    with closing(database.connect()) as connection:
        with connection.transaction():
            create_tables(connection)
        cursor: Any = connection
        cursor.connection.cursor().execute("CREATE TABLE bench (number integer)")
        try:
            measure(database, chosen.rows, chosen.sends)
        finally:
            for table in [*(f"clarion_{name}" for name in TABLES), "bench"]:
                cursor.connection.cursor().execute(f"DROP TABLE {table}")
    return 0


def measure(database: Database, rows: int, sends: int) -> None:
    """Measure and print."""
    bare = rate(database, rows, floor, keyed=False)
    print(f"{database.name}: bare statements {bare:,.0f} deliveries a second")
    for name, keyed in (("without a key", False), (f"with {KEYS} keys", True)):
        found = rate(database, rows, drain, keyed=keyed)
        print(
            f"  a worker, {name}: {found:,.0f} a second, {found / bare:.2f} of the bare statements"
        )
    base = publish(database, 0, sends)
    print(f"  a transaction of one row: {base * 1e6:,.0f} us")
    for count in (1, 3, 10):
        found = publish(database, count, sends)
        print(f"  and a send to {count} durable receivers: {found / base:.2f} of that")


if __name__ == "__main__":
    sys.exit(main())
