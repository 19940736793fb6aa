"""The signal of a run, its durable receivers, and the tables of sends and effects."""

import random
import time
from contextlib import closing
from typing import Any

from clarion import Signal, durable
from clarion.errors import Reject
from clarion.outbox.tables import create_tables

order_paid = Signal(name="chaos.order_paid")

SAME = "same database"
TABLES = {
    "counter": "CREATE TABLE counter (name varchar(20) PRIMARY KEY, number integer NOT NULL)",
    "sent": "CREATE TABLE sent (name varchar(20), number integer, PRIMARY KEY (name, number))",
    "effect": "CREATE TABLE effect (id {serial}, receiver varchar(20), name varchar(20),"
    " number integer, uid varchar(40))",
}
SERIAL = {
    "sqlite": "integer PRIMARY KEY AUTOINCREMENT",
    "postgresql": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
}
HOT, COLD = 3, 40  # keys; half of the sends are for the hot ones
KEYS = [f"k{number}" for number in range(HOT + COLD)]

# The receivers whose effects commit with the settlement, and those in the order of their keys.
EXACT = ("exact", "ordered", "flaky", "doomed")
ORDERED = ("ordered", "flaky", "doomed")
OTHERS = ("loose",)


def execute(raw: Any, statement: str, *values: Any) -> Any:
    """Execute a statement with `?` on a connection of any driver."""
    if not type(raw).__module__.startswith("sqlite3"):
        statement = statement.replace("?", "%s")
    cursor = raw.cursor()
    cursor.execute(statement, values)
    return cursor


def prepare(place: Any) -> None:
    """Create the tables, and a counter for each key."""
    with closing(place.connect()) as connection:
        with connection.transaction():
            create_tables(connection)
        serial = SERIAL[connection.dialect]
        for statement in TABLES.values():
            execute(connection.connection, statement.replace("{serial}", serial))
        for key in KEYS:
            execute(connection.connection, "INSERT INTO counter VALUES (?, 0)", key)


def send(connection: Any, *, rolled_back: bool) -> None:
    """Send once in a transaction that excludes others of the same key.

    Raises:
        ZeroDivisionError: if it is to be rolled back.
    """
    from clarion.commit import atomic

    name = random.choice(KEYS[:HOT] if random.random() < 0.5 else KEYS[HOT:])
    with atomic(connection):
        execute(connection, "UPDATE counter SET number = number + 1 WHERE name = ?", name)
        found = execute(connection, "SELECT number FROM counter WHERE name = ?", name)
        number = found.fetchone()[0]
        execute(connection, "INSERT INTO sent VALUES (?, ?)", name, number)
        order_paid.send("chaos", name=name, number=number)
        if rolled_back:
            raise ZeroDivisionError


def note(connection: Any, receiver: str, name: str, number: int, uid: Any) -> None:
    """Write an effect."""
    execute(
        connection,
        "INSERT INTO effect (receiver, name, number, uid) VALUES (?, ?, ?, ?)",
        receiver,
        name,
        number,
        str(uid),
    )


def exact(
    sender: Any, name: str, number: int, delivery_uid: Any, connection: Any, **_: Any
) -> None:
    """Write an effect, in the transaction that settles the delivery."""
    note(connection, "exact", name, number, delivery_uid)


def ordered(
    sender: Any, name: str, number: int, delivery_uid: Any, connection: Any, **_: Any
) -> None:
    """Write an effect, in the order of the sends of a key."""
    note(connection, "ordered", name, number, delivery_uid)


def flaky(
    sender: Any, name: str, number: int, delivery_uid: Any, connection: Any, **_: Any
) -> None:
    """Fail now and then, after the effect was written."""
    note(connection, "flaky", name, number, delivery_uid)
    if random.random() < 0.05:
        raise OSError("the server of the bank does not answer")


def doomed(
    sender: Any, name: str, number: int, delivery_uid: Any, connection: Any, attempt: int, **_: Any
) -> None:
    """Reject some deliveries for good, until a person requeues them."""
    note(connection, "doomed", name, number, delivery_uid)
    if number % 50 == 7 and random.random() < 0.5:
        raise Reject("the address does not exist")


def loose(
    sender: Any, name: str, number: int, delivery_uid: Any, connection: Any, **_: Any
) -> None:
    """Write an effect in a transaction of its own: at least once."""
    note(connection, "loose", name, number, delivery_uid)
    if random.random() < 0.01:
        time.sleep(0.05)


def connect_all() -> None:
    """Connect the receivers."""
    order_paid.connect(exact, delivery=durable(name="exact", effects=SAME, backoff=0.05))
    order_paid.connect(loose, delivery=durable(name="loose", backoff=0.05))
    keyed = {"key": "name", "effects": SAME, "backoff": 0.05, "retries": 50}
    for each in (ordered, flaky, doomed):
        order_paid.connect(each, delivery=durable(name=each.__name__, **keyed))
