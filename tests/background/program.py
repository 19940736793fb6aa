"""The receivers of the tests of engines: connected by the test, and by each worker process.

They append what they did to a file, one line of JSON for each call.
"""

import asyncio
import json
import logging
import os
import time
from contextvars import ContextVar
from pathlib import Path

from clarion import Signal, durable
from clarion.envelope import carry
from clarion.errors import Reject, Retry
from clarion.outbox import open_database, use_database
from tests.background.effects import Effects

DATABASE = "CLARION_TEST_DATABASE"  # the URL of the database with the outbox
RELEASE = "CLARION_TEST_RELEASE"  # "old" leaves out the newest receiver

happened = Signal(name="tests.background.happened")
"""The sender of a send names the receiver."""

actor: ContextVar[str] = ContextVar("tests_background_actor", default="nobody")


def write(receiver, name, **more):
    """Append one line to the file of effects."""
    line = json.dumps({"receiver": receiver, "name": name, "pid": os.getpid(), **more})
    with Path(os.environ[Effects.VARIABLE]).open("a") as file:
        file.write(line + "\n")


def note(sender, name, delivery_uid, attempt, **kwargs):
    write("note", name, uid=str(delivery_uid), attempt=attempt, actor=actor.get())


async def anote(sender, name, delivery_uid, attempt, **kwargs):
    await asyncio.sleep(0)
    write("anote", name, uid=str(delivery_uid), attempt=attempt, actor=actor.get())


def fail(sender, name, attempt, **kwargs):
    write("fail", name, attempt=attempt)
    raise LookupError(name)


def ask_again(sender, name, attempt, **kwargs):
    write("ask_again", name, attempt=attempt)
    if attempt == 1:
        raise Retry(after=0.1)


def reject(sender, name, attempt, **kwargs):
    write("reject", name, attempt=attempt)
    raise Reject(name)


def slow(sender, name, delivery_uid, **kwargs):
    write("slow begins", name, uid=str(delivery_uid))
    time.sleep(3)
    write("slow", name, uid=str(delivery_uid))


def newest(sender, name, **kwargs):
    write("newest", name)


def pay(sender, name, connection, delivery_uid, **kwargs):
    """Write to the database of the worker, and to the file, which shows duplicates."""
    write("pay", name, uid=str(delivery_uid))
    connection.execute("INSERT INTO payments VALUES (?)", [name])


def connect_stored(delivery):
    """Connect the receivers whose deliveries are stored, and handed to an engine."""
    via = delivery(retries=2)
    happened.connect(note, sender="stored", delivery=durable(via=via))
    happened.connect(pay, sender="pay", delivery=durable(via=via, effects="same database"))


def connect(delivery, *, retries=True, **options):
    """Connect the receivers, each with the options of its name, as a program does at its start.

    Args:
        delivery: the delivery to the engine.
        retries: whether the engine can try again.
        **options: dictionaries of options for receivers.
    """
    usual = {"fail": {"retries": 2}, "ask_again": {"retries": 1}, "reject": {"retries": 2}}
    usual = usual if retries else {}
    carry(actor)
    for receiver in (note, anote, fail, ask_again, reject, slow, newest):
        name = receiver.__name__
        if name == "newest" and os.environ.get(RELEASE) == "old":
            continue
        given = {**usual.get(name, {}), **options.get(name, {})}
        happened.connect(receiver, sender=name, delivery=delivery(**given))
    if not delivery.engine.losses():
        connect_stored(delivery)
    if os.environ.get("CLARION_TEST_WORKER"):
        logger = logging.getLogger("clarion.background")
        logger.setLevel(logging.INFO)
        logger.addHandler(logging.StreamHandler())
        use_database(open_database(os.environ[DATABASE]))
