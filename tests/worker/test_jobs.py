"""The jobs of a worker."""

import threading
from collections import Counter

import pytest

from clarion import durable
from clarion.errors import Reject
from clarion.outbox import store
from clarion.outbox.delivery_row import Lease, partition_of
from clarion.worker.connections import in_transaction
from clarion.worker.leases import Holding
from clarion.worker.sizes import Sizes
from tests.worker.stage import worker


def test_a_blocked_key_does_not_fill_the_window(stage, paid):
    """Deliveries behind a dead one do not keep other keys out of the window."""
    same = next(f"k{n}" for n in range(1000) if partition_of(f"k{n}") == partition_of("a"))
    seen = []

    @paid.connect(delivery=durable(name="ordered", key="key"))
    def receive(sender, key, n, **kwargs):
        if key == "a":
            raise Reject
        seen.append((key, n))

    stage.send(paid, [*[{"key": "a", "n": n} for n in range(100)], {"key": same, "n": 0}])
    worker(stage, batch=10).drain()
    assert seen == [(same, 0)]
    assert stage.waiting() == (99, 1)


def test_a_batch_ends_and_the_next_begins_in_one_transaction(stage, paid, monkeypatch):
    """A batch is settled and the next one claimed in one transaction."""
    begun = []

    def counted(place):
        def run(connection, function):
            begun.append(place)
            return in_transaction(connection, function)

        return run

    paid.connect(lambda **kwargs: None, weak=False, delivery=durable(name="counted"))
    stage.send(paid, [{"n": n} for n in range(30)])
    monkeypatch.setattr("clarion.worker.jobs.in_transaction", counted("claim"))
    monkeypatch.setattr("clarion.worker.settler.in_transaction", counted("settlement"))
    assert worker(stage, batch=10, concurrency=1).drain()["made"] == 30
    assert begun == ["claim", "settlement", "settlement", "settlement"]


def test_a_worker_that_stops_claims_nothing_more(stage, paid):
    """A stopping worker releases the deliveries that it has not begun."""
    seen = []

    @paid.connect(delivery=durable(name="stopping"))
    def receive(sender, n, **kwargs):
        seen.append(n)
        if len(seen) == 3:
            first.stop()

    first = worker(stage, batch=3, concurrency=1)
    stage.send(paid, [{"n": n} for n in range(9)])
    first.drain()
    assert seen == [0, 1, 2]
    assert worker(stage).drain()["made"] == 6
    assert seen == list(range(9))


def test_a_quick_receiver_leaves_partitions_to_other_workers(stage, paid, monkeypatch):
    """A worker that does not know a receiver leases several, and soon releases all but one."""
    windows, released = Counter[Lease](), threading.Semaphore(0)
    together, window, release = threading.Barrier(3), store.window, store.release_partition

    def wait_for_others(connection, held, limit):
        windows[held] += 1
        if (held.epoch, windows[held]) == (1, 1):
            together.wait(30)
        elif (held.epoch, windows[held]) == (1, 2):  # of the first job only
            assert released.acquire(timeout=30)
            assert released.acquire(timeout=30)
        return window(connection, held, limit)

    def note_release(connection, held):
        release(connection, held)
        released.release()

    monkeypatch.setattr(store, "window", wait_for_others)
    monkeypatch.setattr(store, "release_partition", note_release)
    monkeypatch.setattr(Sizes, "is_quick", lambda sizes, receiver: receiver in sizes._means)
    paid.connect(lambda **kwargs: None, weak=False, delivery=durable(name="quick", key="key"))
    keys = list({partition_of(f"k{n}"): f"k{n}" for n in range(1000)}.values())[:3]
    stage.send(paid, [{"key": key, "n": n} for n in range(30) for key in keys])
    assert worker(stage, batch=10, concurrency=3).drain()["made"] == 90
    assert sorted(count for held, count in windows.items() if held.epoch == 1) == [1, 1, 4]


@pytest.mark.parametrize("key", [None, "n"])
def test_a_worker_does_not_claim_what_it_holds(stage, paid, key):
    """A receiver's transaction was longer than the lease, so nothing was renewed."""
    seen = []
    paid.connect(lambda n, **kw: seen.append(n), weak=False, delivery=durable(name="mail", key=key))
    stage.send(paid, [{"n": 1}])
    first = worker(stage)

    def hold(connection):
        if key is None:
            return Holding(0.0, store.claim(connection, "mail", 1, 0))
        store.add_partitions(connection, ["mail"])
        held = store.lease_partition(connection, "mail", partition_of("1"), 0)
        return Holding(0.0, partition=held)

    with stage.connected() as connection:
        holding = in_transaction(connection, hold)
        first._leases.add(holding)
        first.drain()
        assert seen == []
        holdings = [*holding.claims.values()]
        assert store.count_held(connection, holdings) == len(holdings)
        assert key is None or store.has_partition(connection, holding.partition)
        with connection.transaction():
            if key is None:
                store.hand_back(connection, holdings)
            else:
                store.release_partition(connection, holding.partition)
    first._leases.remove(holding)
    first.drain()
    assert seen == [1]
