"""Faults of the database while a worker runs: it logs them, loses nothing and continues."""

import threading
from collections import Counter
from contextlib import closing

import pytest

from clarion import durable
from clarion.outbox import store, use_database
from clarion.outbox.delivery_row import NO_EVENT
from clarion.outbox.notes import READ_ONLY_CURE
from clarion.worker import Worker
from tests.worker.altered import READ_ONLY, Ended, altered, execute
from tests.worker.stage import in_thread, note, select, until, until_empty, worker

LEASE = 0.5  # seconds
SAME = "same database"


def test_a_read_only_database_is_said_at_the_send(stage, paid):
    """A send to a read-only database stores nothing, and its error has the cure."""
    paid.connect(lambda n, **kw: None, weak=False, delivery=durable(name="mail"))
    read_only = altered(stage.database, lambda each: execute(each, READ_ONLY[each.dialect]))
    before = use_database(read_only)
    try:
        with pytest.raises(Exception, match=r"(?i)read.?only") as error:
            paid.send(None, n=1)
    finally:
        use_database(before)
    assert READ_ONLY_CURE in error.value.__notes__
    assert stage.waiting() == (0, 0)


def test_a_worker_waits_until_the_database_can_be_written_to(stage, paid, logged):
    """The worker logs the fault with its cure, and continues by itself."""
    seen, is_read_only = [], [True]
    paid.connect(lambda n, **kw: seen.append(n), weak=False, delivery=durable(name="mail"))
    stage.send(paid, [{"n": n} for n in range(5)])

    def alter(connection):
        if is_read_only[0]:
            execute(connection, READ_ONLY[connection.dialect])

    with Worker(altered(stage.database, alter)) as running:
        until(lambda: READ_ONLY_CURE in logged.text)
        is_read_only[0] = False
        running.wake()
        until(lambda: stage.waiting() == (0, 0))
    assert sorted(seen) == list(range(5))
    assert f"{stage.database.name} could not be used, and is tried again" in logged.text
    assert "Traceback" not in logged.text  # the cure says all


@pytest.mark.parametrize(
    ("statement", "after", "key"),
    [
        ("claimed", False, None),
        ("claimed", True, None),
        ("settle", False, None),
        ("settle", True, None),
        ("window", True, "n"),
        ("settle", True, "n"),
    ],
    ids=["in a claim", "at its end", "before a settlement", "in it", "with a key", "in its own"],
)
def test_a_lost_connection_loses_nothing(server_stage, paid, statement, after, key, logged):
    """After the server ends a job's connection, another job takes over after the lease."""
    stage = server_stage

    @paid.connect(delivery=durable(name="same", key=key, effects=SAME))
    def same(sender, n, connection, **kwargs):
        note(connection, "same", "", n)

    @paid.connect(delivery=durable(name="plain", key=key))
    def plain(sender, n, **kwargs):
        counts[n] += 1

    counts: Counter[int] = Counter()
    stage.send(paid, [{"n": n} for n in range(6)])
    ended = Ended(stage.database, statement, after=after)
    with Worker(altered(stage.database, ended), lease=LEASE, batch=10):
        until(lambda: stage.waiting() == (0, 0))
    assert ended.is_done
    assert stage.counted("same") == dict.fromkeys(range(6), 1)
    assert set(counts) == set(range(6))
    assert max(counts.values()) <= 2


def test_a_missing_table_stops_no_worker(stage, paid, logged):
    """The worker logs the missing table, and continues when it exists."""
    seen = []
    paid.connect(lambda n, **kw: seen.append(n), weak=False, delivery=durable(name="mail"))
    stage.send(paid, [{"n": 1}])
    with Worker(stage.database, poll=0.05) as running:
        until(lambda: seen and stage.waiting() == (0, 0))  # else it is made again
        stage.run("ALTER TABLE clarion_delivery RENAME TO hidden")
        until(lambda: "could not be used" in logged.text)
        stage.run("ALTER TABLE hidden RENAME TO clarion_delivery")
        stage.send(paid, [{"n": 2}])
        running.wake()
        until(lambda: stage.waiting() == (0, 0))
    assert seen == [1, 2]


@pytest.mark.parametrize("effects", [None, SAME])
def test_a_receiver_that_never_ends_stops_no_other(stage, paid, effects, logged):
    """It is abandoned after its timeout, and its writes are rolled back."""
    leave, seen = threading.Event(), []
    options = {"effects": effects, "timeout": 1.0, "retries": 0}

    @paid.connect(delivery=durable(name="endless", **options))
    def endless(sender, n, connection, **kwargs):
        note(connection, "endless", "", n)
        if n == 0:
            leave.wait(60)

    paid.connect(lambda n, **kw: seen.append(n), weak=False, delivery=durable(name="other"))
    stage.send(paid, [{"n": n} for n in range(3)])
    try:
        in_thread(worker(stage, lease=LEASE).drain, seconds=20)
        assert stage.waiting()[1] == 1
    finally:
        leave.set()
    until_empty(stage)
    assert stage.counted("endless") == {1: 1, 2: 1}
    assert sorted(seen) == [0, 1, 2]


def test_an_async_receiver_that_ignores_its_end_stops_no_other(stage, paid, logged):
    """Its delivery counts as failed, and the worker can end."""
    import asyncio

    seen = []

    @paid.connect(delivery=durable(name="endless", timeout=0.1, retries=0))
    async def endless(sender, n, **kwargs):
        while n == 0:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append("ignored")
        seen.append(n)

    stage.send(paid, [{"n": n} for n in range(3)])
    in_thread(worker(stage).drain, seconds=30)
    assert stage.waiting() == (0, 1)
    assert {1, 2} <= {*seen}


def test_a_payload_of_the_wrong_shape_is_given_up(stage, paid):
    """A delivery whose payload lacks an argument is given up."""

    @paid.connect(delivery=durable(name="mail", retries=0))
    def receive(sender, n, **kwargs):
        """Receive."""

    stage.send(paid, [{"n": 1}, {"n": 2}])
    (first, _) = stage.uids()
    stage.damage("payload", '{"sender": null, "references": {}, "values": {"m": 1}}', first)
    worker(stage).drain()
    (dead,) = stage.dead()
    assert "has no n, which receiver" in dead.error
    with closing(stage.database.connect()) as connection:
        assert select(connection.connection, "SELECT count(*) FROM clarion_delivery") == [(0,)]


@pytest.mark.parametrize("key", [None, "n"])
@pytest.mark.parametrize("dead", ["block", "pass"])
def test_a_delivery_without_its_event_is_given_up(stage, paid, key, dead, logged):
    """A person has deleted the event. The others are made, and it can be shown and discarded."""
    seen = []
    options = {"name": "mail", "key": key and (lambda **_: "one"), "dead": dead}
    paid.connect(lambda n, **_: seen.append(n), weak=False, delivery=durable(**options))
    stage.send(paid, [{"n": n} for n in range(3)])
    with closing(stage.database.connect()) as connection:
        query = "SELECT event FROM clarion_delivery ORDER BY id"
        (first,), *_ = select(connection.connection, query)
    stage.run(f"DELETE FROM clarion_event WHERE uid = '{first}'")  # noqa: S608
    counts = worker(stage).drain()
    waits = key is not None and dead == "block"
    assert counts["dead"] == 1
    assert sorted(seen) == ([] if waits else [1, 2])
    (row,) = stage.dead()
    assert row.envelope.uid.hex == first
    assert row.envelope.signal == NO_EVENT
    assert "was deleted from the table clarion_event" in row.error
    assert "clarion outbox show" in logged.text
    with stage.connected() as connection, connection.transaction():
        store.requeue(connection, row.id)
    assert worker(stage).drain()["dead"] == 1
    with stage.connected() as connection, connection.transaction():
        store.discard(connection, row.id)
    worker(stage).drain()
    assert sorted(seen) == [1, 2]
    assert stage.waiting() == (0, 0)
