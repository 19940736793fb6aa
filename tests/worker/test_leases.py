"""The leases of a worker, and their renewal."""

import threading
import time

from clarion import durable
from clarion.outbox import store
from clarion.outbox.delivery_row import partition_of
from clarion.worker.connections import Connections, in_transaction
from clarion.worker.leases import Holding, Leases
from tests.worker.stage import worker


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
