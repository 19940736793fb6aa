"""Publish, claim and settle, on each kind of database."""

import pytest

from clarion.errors import ArgumentError
from clarion.outbox import store
from clarion.outbox.delivery_row import Target
from clarion.outbox.lapses import CLAIMED, MARKED
from clarion.outbox.statements import STATE

LEASE = 60_000


def claim(connection, receiver="mail", limit=10, lease=LEASE):
    """Claim deliveries without a key, in a transaction."""
    with connection.transaction():
        return store.claim(connection, receiver, limit, lease)


def settle(connection, *claims):
    """Settle deliveries, in a transaction."""
    with connection.transaction():
        return store.settle(connection, claims)


def test_a_send_has_a_row_for_each_receiver(outbox, connection):
    """A send stores one row per receiver, and its payload once."""
    envelope = outbox.publish(Target("mail"), Target("stock", "a"), Target("log"), number=5)
    assert [(each.receiver, each.deliveries) for each in store.waiting(connection)] == [
        ("log", 1),
        ("mail", 1),
        ("stock", 1),
    ]
    (claimed,) = claim(connection)
    assert claimed.envelope().uid == envelope.uid
    assert claimed.envelope().payload == envelope.payload
    assert (claimed.attempt, claimed.failures, claimed.key) == (1 + CLAIMED * STATE, 0, None)
    assert claim(connection, "nobody") == []


def test_what_was_rolled_back_is_not_delivered(outbox, connection):
    """A send that was rolled back leaves no row."""
    with pytest.raises(ZeroDivisionError), connection.transaction():
        store.publish(connection, outbox.envelope(), [Target("mail")])
        raise ZeroDivisionError
    assert store.waiting(connection) == []


def test_claims_are_in_the_order_of_the_sends(outbox, connection):
    """A claim returns at most the limit, in the order of the sends."""
    sent = [outbox.publish(number=number).uid.hex for number in range(5)]
    assert [each.uid for each in claim(connection, limit=3)] == sent[:3]
    assert [each.uid for each in claim(connection, limit=3)] == sent[3:]


def test_a_claim_belongs_to_one_worker(outbox, connection):
    """Until a lease ends, no other worker can claim the delivery."""
    outbox.publish()
    other = outbox.open()
    (first,) = claim(connection, lease=0)
    (second,) = claim(other, lease=LEASE)  # the lease was over
    assert claim(connection) == []
    assert (first.attempt, second.attempt) == (1 + CLAIMED * STATE, 2 + MARKED * STATE)
    assert settle(connection, first) == 0
    assert settle(other, second) == 1
    assert store.waiting(connection) == []


def test_a_claim_is_renewed_or_handed_back(outbox, connection):
    """The worker that holds a claim can renew it or hand it back."""
    outbox.publish()
    (held,) = claim(connection)
    with connection.transaction():
        assert store.renew(connection, [held], 0) == 1
    (taken,) = claim(outbox.open())
    with connection.transaction():
        assert store.renew(connection, [held], LEASE) == 0
        assert store.count_held(connection, [held, taken]) == 1
        assert store.hand_back(connection, [held]) == 0
        assert store.hand_back(connection, [taken]) == 1
    assert len(claim(connection)) == 1


def test_due_receivers_are_those_with_work(outbox, connection):
    """Receivers with only delayed, claimed or keyed deliveries are not due."""
    outbox.publish(Target("mail"), Target("later", delay=LEASE), Target("keyed", "a"))
    names = ["mail", "later", "keyed", "other"]
    assert store.due_receivers(connection, names) == ["mail"]
    claim(connection)
    assert store.due_receivers(connection, names) == []
    assert store.due_receivers(connection, []) == []


def test_a_failed_delivery_waits(outbox, connection):
    """A failed delivery waits with its count of failures, and its old claim has no effect."""
    outbox.publish()
    (failed,) = claim(connection)
    with connection.transaction():
        assert store.retry(connection, "mail", failed, 0, "it failed")
        assert not store.retry(connection, "mail", failed, 0, "it failed")
    assert [each.failing for each in store.waiting(connection)] == [1]
    (again,) = claim(connection)
    assert (again.id, again.failures) == (failed.id, 1)
    assert settle(connection, failed) == 0
    with connection.transaction():
        store.retry(connection, "mail", again, LEASE, "it failed")
    assert claim(connection) == []


def test_a_dead_delivery_is_kept(outbox, connection):
    """A dead delivery is kept with its error, until a person requeues or discards it."""
    envelope = outbox.publish(number=5)
    (failed,) = claim(connection)
    with connection.transaction():
        assert store.bury(connection, "mail", failed, "Traceback", block=True)
        assert not store.bury(connection, "mail", failed, "Traceback", block=True)
    (dead,) = store.list_dead(connection)
    assert (dead.receiver, dead.error, dead.failures) == ("mail", "Traceback", 1)
    assert dead.envelope.uid == envelope.uid
    assert store.list_dead(connection, "other") == []
    assert [(each.deliveries, each.dead) for each in store.waiting(connection)] == [(0, 1)]
    with connection.transaction():
        store.requeue(connection, dead.id)
    (again,) = claim(connection)
    assert (again.id, again.failures) == (failed.id, 0)
    assert store.list_dead(connection) == []


def test_a_dead_delivery_is_discarded(outbox, connection):
    """A dead delivery can be discarded once."""
    outbox.publish()
    (failed,) = claim(connection)
    with connection.transaction():
        store.bury(connection, "mail", failed, "Traceback", block=False)
        store.discard(connection, failed.id)
    assert store.waiting(connection) == []
    for change in (store.discard, store.requeue):
        with pytest.raises(ArgumentError, match="No dead delivery has the id"):
            change(connection, failed.id)


def test_only_events_without_deliveries_are_pruned(outbox, connection):
    """Events with waiting or dead deliveries are kept at any age."""
    outbox.publish(Target("mail"), Target("log"))
    outbox.publish()
    first, second = claim(connection)
    settle(connection, first)
    with connection.transaction():
        store.bury(connection, "mail", second, "Traceback", block=False)
        assert store.prune(connection, LEASE) == 0
        assert store.prune(connection, 0) == 0
    settle(connection, *claim(connection, "log"))
    with connection.transaction():
        assert store.prune(connection, LEASE) == 0
        assert store.prune(connection, 0) == 1
        store.discard(connection, second.id)
        assert store.prune(connection, 0) == 1


def test_ten_thousand_receivers_and_a_large_payload(outbox, connection):
    """A large send stays below the drivers' limits on parameters."""
    text = "é" * 1_000_000
    outbox.publish(*(Target(f"r{number}") for number in range(10_000)), text=text)
    (claimed,) = claim(connection, "r9999")
    assert text.encode() in claimed.payload


def test_a_delay_ends_for_these_receivers_only(outbox, connection):
    """The delay ends for these receivers only, and not for a delivery that a worker holds."""
    outbox.publish(Target("mail", delay=60_000), Target("sms", delay=60_000))
    assert store.due_receivers(connection, ["mail", "sms"]) == []
    assert store.hasten(connection, ["mail"]) == 1
    assert store.due_receivers(connection, ["mail", "sms"]) == ["mail"]
    with connection.transaction():
        assert len(store.claim(connection, "mail", 10, 60_000)) == 1
    assert store.hasten(connection, ["mail"]) == 0
