"""The leases of a worker, and their renewal."""

import threading
import time

import pytest

from clarion import durable
from clarion.outbox import store
from clarion.outbox.delivery_row import partition_of
from clarion.outbox.lapses import CLAIMED
from clarion.outbox.statements import STATE
from clarion.worker.connections import Connections, in_transaction
from clarion.worker.leases import Holding, Leases
from tests.worker.stage import in_thread, select, until, worker


def receive(sender, n, **kwargs):
    """Receive."""


def test_a_holding_is_over_with_its_lease():
    """A holding ends by the clock, even if the process was suspended meanwhile."""
    assert not Holding(60.0).is_over
    over = Holding(0.0)
    assert over.is_over
    over.prolong(time.monotonic() + 60.0)
    assert not over.is_over
    over.is_lost = True
    assert over.is_over


def test_renewed_deliveries_stay_with_this_worker(stage, paid):
    """Another worker gets renewed deliveries only after the lease ends."""
    paid.connect(receive, delivery=durable(name="mail"))
    stage.send(paid, [{"n": 1}])
    connections = Connections(stage.database)
    leases = Leases(60.0, connections)
    with connections.take() as connection:
        claims = in_transaction(connection, lambda taken: store.claim(taken, "mail", 1, 0))
        assert store.due_receivers(connection, ["mail"]) == ["mail"]
        holding = Holding(60.0, claims)
        leases.add(holding)
        leases.renew()
        assert store.due_receivers(connection, ["mail"]) == []
        leases.remove(holding)
        assert leases.current() == []
    connections.close()


def test_a_lost_partition_ends_the_holding(stage, paid):
    """A holding is lost if another worker has leased its partition."""
    paid.connect(receive, delivery=durable(name="mail", key="n"))
    stage.send(paid, [{"n": 1}])
    connections = Connections(stage.database)
    leases = Leases(60.0, connections)
    part = partition_of("1")

    def lease(taken):
        store.add_partitions(taken, ["mail"])
        return store.lease_partition(taken, "mail", part, 0)

    with connections.take() as connection:
        holding = Holding(60.0, partition=in_transaction(connection, lease))
        leases.add(holding)
        leases.renew()
        assert not holding.is_over
        stage.run("UPDATE clarion_partition SET epoch = epoch + 1")
        leases.renew()
        assert holding.is_over
    connections.close()


def test_a_receiver_may_take_longer_than_the_lease(stage, paid):
    """The lease of a slow receiver is renewed, so no other worker makes the delivery."""
    seen, renewed = [], threading.Event()

    @paid.connect(delivery=durable(name="slow"))
    def receive(sender, n, **kwargs):
        seen.append(n)
        begun = time.monotonic()
        while time.monotonic() - begun < 2.0:
            renewed.wait(0.2)
            worker(stage).drain()

    stage.send(paid, [{"n": 1}])
    first = worker(stage, lease=1.5)
    first.drain()
    assert seen == [1]
    assert first.counts["made"] == 1


def test_a_receiver_with_a_lock_does_not_delay_a_renewal(server_stage, paid):
    """A receiver has settled its delivery in its own transaction, which may last long."""
    stage = server_stage
    paid.connect(receive, delivery=durable(name="mail"))
    stage.send(paid, [{"n": 1}, {"n": 2}])
    connections = Connections(stage.database)
    leases = Leases(60.0, connections)
    with connections.take() as connection, stage.connected() as receiving:
        claims = in_transaction(connection, lambda taken: store.claim(taken, "mail", 2, 0))
        holding = Holding(60.0, claims)
        leases.add(holding)
        with receiving.transaction():
            store.settle(receiving, claims[:1])
            in_thread(leases.renew, seconds=20)
            assert not holding.is_lost
        assert store.due_receivers(connection, ["mail"]) == []  # the second one was renewed
        leases.renew()
        assert holding.is_lost  # the first one was settled without notice
    connections.close()


def test_a_receiver_with_a_partition_does_not_delay_a_renewal(server_stage, paid):
    """The lease of its partition keeps its end, and is renewed after the transaction."""
    stage = server_stage
    paid.connect(receive, delivery=durable(name="mail", key="n"))
    stage.send(paid, [{"n": 1}])
    connections = Connections(stage.database)
    leases = Leases(60.0, connections)

    def lease(taken):
        store.add_partitions(taken, ["mail"])
        return store.lease_partition(taken, "mail", partition_of("1"), 0)

    with connections.take() as connection, stage.connected() as receiving:
        held = in_transaction(connection, lease)
        holding = Holding(0.0, partition=held)
        leases.add(holding)
        with receiving.transaction():
            assert store.hold_partition(receiving, held)
            in_thread(leases.renew, seconds=20)
            assert not holding.is_lost
            assert holding.is_over
        assert store.due_partitions(connection, ["mail"]) != []
        holding = Holding(60.0, partition=held)
        leases.add(holding)
        leases.renew()
        assert not holding.is_over
        assert store.due_partitions(connection, ["mail"]) == []
    connections.close()


def test_a_long_transaction_of_a_receiver_delays_no_other_lease(server_stage, paid):
    """The thread that renews goes on while a receiver keeps its row locked."""
    stage, leave, began = server_stage, threading.Event(), threading.Semaphore(0)

    def wait(sender, n, **kwargs):
        began.release()
        leave.wait(60)

    same = {"effects": "same database"}
    paid.connect(wait, dispatch_uid="a", delivery=durable(name="locks", **same))
    paid.connect(wait, dispatch_uid="b", delivery=durable(name="other"))
    stage.send(paid, [{"n": 1}])

    def held():
        with stage.connected() as connection:
            found = "SELECT attempt, visible_at FROM clarion_delivery WHERE receiver = 'other'"
            return select(connection.connection, found)[0]

    try:
        with worker(stage, lease=3.0, grace=0):
            assert began.acquire(timeout=30)
            assert began.acquire(timeout=30)
            for _ in range(4):
                before = held()
                until(lambda before=before: held() > before)
            assert held()[0] == 1 + CLAIMED * STATE  # no worker has claimed it again
            leave.set()
            until(lambda: stage.waiting() == (0, 0))
    finally:
        leave.set()


@pytest.mark.parametrize("key", [None, "n"])
def test_what_is_handed_back_is_not_leased_again(stage, paid, key, monkeypatch):
    """A renewal that has begun ends before the deliveries are handed back to other workers."""
    paid.connect(receive, delivery=durable(name="mail", key=key))
    stage.send(paid, [{"n": 1}])
    connections = Connections(stage.database)
    leases = Leases(60.0, connections)
    begun, may_go_on = threading.Event(), threading.Event()
    extend = Leases._extend

    def extend_later(*arguments):
        begun.set()
        may_go_on.wait(30)
        return extend(*arguments)

    def lease(taken):
        if key is None:
            return Holding(60.0, store.claim(taken, "mail", 1, 60_000))
        store.add_partitions(taken, ["mail"])
        held = store.lease_partition(taken, "mail", partition_of("1"), 60_000)
        return Holding(60.0, partition=held)

    def hand_back():
        leases.remove(holding)
        with connections.take() as connection:
            if key is None:
                store.hand_back(connection, holding.claims.values())
            else:
                store.release_partition(connection, holding.partition)

    with connections.take() as connection:
        holding = in_transaction(connection, lease)
    leases.add(holding)
    monkeypatch.setattr(Leases, "_extend", extend_later)
    threads = [threading.Thread(target=each) for each in (leases.renew, hand_back)]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    threads[1].join(0.3)
    may_go_on.set()
    for each in threads:
        each.join(30)
    with connections.take() as connection:
        due = store.due_receivers(connection, ["mail"])
        parts = store.due_partitions(connection, ["mail"])
    connections.close()
    assert (due, parts) == ((["mail"], []) if key is None else ([], [("mail", partition_of("1"))]))
    assert leases.current() == []
