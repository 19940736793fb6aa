"""Deliveries that are made by themselves, since a worker has vanished with them."""

import threading
import time

import pytest

from clarion import durable
from clarion.outbox import lapses, store
from clarion.outbox.delivery_row import partition_of
from clarion.outbox.statements import STATE
from clarion.worker import alone
from tests.worker.stage import in_thread, select, until, worker


def vanish(stage, state, where="id > 0"):
    """Let a worker vanish with these deliveries in a state."""
    stage.run(f"UPDATE clarion_delivery SET attempt = {1 + state * STATE} WHERE {where}")  # noqa: S608


def states(stage):
    """Return the states of the deliveries in the order of their sends."""
    with stage.connected() as connection:
        found = select(connection.connection, "SELECT attempt FROM clarion_delivery ORDER BY id")
    return [attempt // STATE for (attempt,) in found]


def ids(stage):
    """Return the ids of the deliveries in the order of their sends."""
    with stage.connected() as connection:
        found = select(connection.connection, "SELECT id FROM clarion_delivery ORDER BY id")
    return [row for (row,) in found]


def vanish_with_partition(stage, key):
    """Let a worker vanish that holds the partition of a key."""
    with stage.connected() as connection, connection.transaction():
        store.add_partitions(connection, ["mail"])
        store.lease_partition(connection, "mail", partition_of(key), 0)


@pytest.mark.parametrize("effects", [None, "same database"])
@pytest.mark.parametrize("key", [None, "key"])
def test_what_has_lost_a_worker_is_made_by_itself(stage, paid, key, effects):
    """If this worker vanishes too, the rows say which delivery it was making."""
    seen = []

    @paid.connect(delivery=durable(name="mail", key=key, effects=effects))
    def receive(sender, n, **kwargs):
        # On SQLite, and in the receiver's own transaction, other connections see the row as it was.
        seen.append((n, states(stage)))

    stage.send(paid, [{"n": n, "key": "a"} for n in range(3)])
    if key is None:
        vanish(stage, lapses.CLAIMED)
        waiting = lapses.MARKED
    else:
        vanish_with_partition(stage, "a")
        waiting = lapses.REST
    assert worker(stage, concurrency=1).drain() == {"made": 3}
    assert [n for n, _ in seen] == [0, 1, 2]
    for number, (_, found) in enumerate(seen):
        assert found == [lapses.BEGUN] + [waiting] * (2 - number)


@pytest.mark.parametrize("key", [None, "n"])
def test_a_suspect_is_made_alone(stage, paid, key, logged):
    """No other receiver of the worker runs meanwhile, and the usual deliveries run before and after."""
    running, beside, lock = set(), [], threading.Lock()

    @paid.connect(delivery=durable(name="mail", key=key))
    def receive(sender, n, **kwargs):
        with lock:
            running.add(n)
        time.sleep(0.01)
        with lock:
            if n in {4, 5} and len(running) > 1:
                beside.append(set(running))
            running.remove(n)

    stage.send(paid, [{"n": n} for n in range(20)])
    _, _, _, _, fourth, fifth, *_ = ids(stage)
    vanish(stage, lapses.BEGUN, f"id IN ({fourth}, {fifth})")
    counts = in_thread(worker(stage, concurrency=4, batch=3).drain, 60)
    assert (counts, beside) == ({"made": 20}, [])
    assert sum("is made alone" in each.getMessage() for each in logged.records) == 2


@pytest.mark.parametrize("key", [None, "key"])
def test_what_ends_its_worker_alone_has_failed(stage, paid, key):
    """It is not called for that, uses its retries, and becomes a dead letter with the reason."""
    seen = []

    @paid.connect(delivery=durable(name="mail", key=key, retries=1, backoff=lambda failures: 3600))
    def receive(sender, n, attempt, **kwargs):
        seen.append((n, attempt))

    stage.send(paid, [{"n": n, "key": "a"} for n in range(2)])
    first = ids(stage)[0]
    vanish(stage, lapses.ALONE, f"id = {first}")
    made = {"made": 1} if key is None else {}
    assert worker(stage).drain() == {"retried": 1, **made}
    stage.run(f"UPDATE clarion_delivery SET visible_at = 0 WHERE id = {first}")  # noqa: S608
    stage.run("DELETE FROM clarion_blocked")
    vanish(stage, lapses.ALONE, f"id = {first}")
    assert worker(stage).drain() == {"dead": 1}
    (dead,) = stage.dead()
    assert dead.failures == 2
    assert "The worker ended while this receiver ran, and nothing else ran in it." in dead.error
    assert stage.waiting() == (0 if key is None else 1, 1)
    with stage.connected() as connection, connection.transaction():
        store.requeue(connection, dead.id)
    worker(stage).drain()
    assert sorted(seen) == [(0, 1), (1, 1)]


def test_a_worker_that_stops_forgets_no_failure(stage, paid):
    """What has ended its worker alone is handed back, and the next worker counts the failure."""
    seen = []

    @paid.connect(delivery=durable(name="mail", retries=0))
    def receive(sender, n, **kwargs):
        seen.append(n)
        stopping.stop()

    stage.send(paid, [{"n": n} for n in range(2)])
    vanish(stage, lapses.ALONE, f"id = {ids(stage)[1]}")
    stopping = worker(stage, concurrency=1)
    assert stopping.drain() == {"made": 1}
    assert worker(stage).drain() == {"dead": 1}
    assert seen == [0]


def test_what_cannot_be_made_alone_waits(stage, paid, monkeypatch, logged):
    """It waits without a failure, while the other receiver goes on."""
    monkeypatch.setattr(alone, "FIRST_WAIT", 0.05)
    leave, begun = threading.Event(), threading.Event()

    @paid.connect(delivery=durable(name="slow"))
    def hang(sender, n, **kwargs):
        begun.set()
        leave.wait(60)

    @paid.connect(delivery=durable(name="suspect"))
    def receive(sender, n, **kwargs):
        pytest.fail("it ran beside the other receiver")

    stage.send(paid, [{"n": 1}])
    vanish(stage, lapses.SUSPECT, "receiver = 'suspect'")
    stage.run(
        "UPDATE clarion_delivery SET visible_at = visible_at + 3600000 WHERE receiver = 'suspect'"
    )
    running = worker(stage, concurrency=2, poll=0.05)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    try:
        assert begun.wait(30)
        stage.run("UPDATE clarion_delivery SET visible_at = 0 WHERE receiver = 'suspect'")
        until(lambda: running.counts["postponed"])
    finally:
        leave.set()
    running.stop()
    thread.join(30)
    assert running.counts == {"postponed": 1, "made": 1}
    assert states(stage) == [lapses.SUSPECT]
    assert "it must be made alone" in logged.text


def test_a_suspect_that_is_left_behind_lets_the_others_run(sqlite_stage, paid):
    """Its timeout is over, which is its failure."""
    leave = threading.Event()

    @paid.connect(delivery=durable(name="late", timeout=0.2, retries=0))
    def hang(sender, n, **kwargs):
        leave.wait(60)

    seen = []

    @paid.connect(delivery=durable(name="mail"))
    def receive(sender, n, **kwargs):
        seen.append(n)

    sqlite_stage.send(paid, [{"n": 1}])
    vanish(sqlite_stage, lapses.SUSPECT, "receiver = 'late'")
    vanish(sqlite_stage, lapses.SUSPECT, "receiver = 'mail'")
    try:
        counts = in_thread(worker(sqlite_stage).drain, 60)
    finally:
        leave.set()
    assert (counts, seen) == ({"made": 1, "dead": 1}, [1])


@pytest.mark.parametrize("key", [None, "key"])
def test_a_worker_that_stops_vouches_for_what_it_makes(stage, paid, key):
    """What has begun by itself is handed back, and is not suspect."""
    leave = threading.Event()

    @paid.connect(delivery=durable(name="mail", key=key))
    def hang(sender, n, **kwargs):
        stopping.stop()
        stopping.stop()
        leave.wait(60)

    stage.send(paid, [{"n": n, "key": "a"} for n in range(2)])
    vanish(stage, lapses.MARKED)
    stopping = worker(stage, concurrency=1)
    try:
        in_thread(stopping.drain, 60)
        assert states(stage) == [lapses.MARKED, lapses.MARKED]
    finally:
        leave.set()
