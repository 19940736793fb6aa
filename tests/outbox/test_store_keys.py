"""Deliveries with a key: partitions, their fence and their order, on each kind of database."""

import pytest

from clarion.errors import ArgumentError
from clarion.outbox import store
from clarion.outbox.delivery_row import Target, partition_of

LEASE = 60_000
PART = partition_of("a")


@pytest.fixture
def lease(connection):
    """Return a function that leases the partition of "a"."""
    with connection.transaction():
        store.add_partitions(connection, ["mail"])
        store.add_partitions(connection, ["mail", "log"])

    def lease(on=connection, milliseconds=LEASE):
        with on.transaction():
            return store.lease_partition(on, "mail", PART, milliseconds)

    return lease


def keys(claims):
    """Return the keys of deliveries."""
    return [each.key for each in claims]


def test_one_worker_holds_a_partition(outbox, connection, lease):
    """One worker holds a partition until its lease ends, or it releases it."""
    other = outbox.open()
    first = lease()
    assert lease(other) is None
    store.release_partition(connection, first)
    second = lease(other)
    assert (first.epoch, second.epoch) == (1, 2)
    assert not store.renew_partition(connection, first, LEASE)
    assert store.renew_partition(other, second, 0)
    assert lease().epoch == 3


def test_a_lost_lease_changes_nothing(outbox, connection, lease):
    """A settlement with an older epoch changes nothing."""
    outbox.publish(Target("mail", "a"))
    held = lease(milliseconds=0)
    claims = store.window(connection, held, 10)
    taken = lease()
    with connection.transaction():
        assert not store.hold_partition(connection, held)
        assert store.hold_partition(connection, taken)
    assert keys(claims) == ["a"]


def test_a_window_is_in_the_order_of_the_sends(outbox, connection, lease):
    """A window has all keys of the partition in the order of the sends."""
    same = next(f"k{n}" for n in range(1000) if partition_of(f"k{n}") == PART)
    for key in ("a", same, "a"):
        outbox.publish(Target("mail", key), Target("log", key))
    other = next(f"k{n}" for n in range(1000) if partition_of(f"k{n}") != PART)
    outbox.publish(Target("mail", other))
    held = lease()
    assert keys(store.window(connection, held, 10)) == ["a", same, "a"]
    assert keys(store.window(connection, held, 2)) == ["a", same]


def test_due_partitions_have_work_and_no_holder(outbox, connection, lease):
    """A partition with delayed deliveries only, or with a holder, is not due."""
    assert store.due_partitions(connection, ["mail", "log"]) == []
    outbox.publish(Target("mail", "a"), Target("log", "a", delay=LEASE))
    assert store.due_partitions(connection, ["mail", "log"]) == [("mail", PART)]
    lease()
    assert store.due_partitions(connection, ["mail", "log"]) == []


def test_a_retry_is_not_overtaken(outbox, connection, lease):
    """While a delivery waits for a retry, later ones of its key wait, others do not."""
    same = next(f"k{n}" for n in range(1000) if partition_of(f"k{n}") == PART)
    for key in ("a", "a", same):
        outbox.publish(Target("mail", key))
    held = lease()
    failed = store.window(connection, held, 10)[0]
    with connection.transaction():
        assert store.hold_partition(connection, held)
        store.retry(connection, "mail", failed, LEASE, "it failed")
    assert keys(store.window(connection, held, 10)) == [same]
    with connection.transaction():
        store.settle(connection, store.window(connection, held, 10))
    store.release_partition(connection, held)
    assert store.due_partitions(connection, ["mail"]) == []
    with connection.transaction():
        store.unblock(connection, "mail", "a")
    assert [each.id for each in store.window(connection, held, 10)] == [failed.id + 1]


def test_the_first_of_a_key_is_made_again_first(outbox, connection, lease):
    """After its wait the failed delivery comes before the later ones of its key."""
    sent = [outbox.publish(Target("mail", "a")).uid.hex for _ in range(3)]
    held = lease()
    failed = store.window(connection, held, 1)[0]
    with connection.transaction():
        store.retry(connection, "mail", failed, 0, "it failed")
    assert [each.uid for each in store.window(connection, held, 10)] == sent


@pytest.mark.parametrize(("block", "left"), [(True, 0), (False, 1)])
def test_what_follows_a_dead_delivery_is_chosen(outbox, connection, lease, block, left):
    """With "block" later deliveries of the key wait, with "pass" they run."""
    for _ in range(2):
        outbox.publish(Target("mail", "a"))
    held = lease()
    failed = store.window(connection, held, 10)[0]
    with connection.transaction():
        store.bury(connection, "mail", failed, "Traceback", block=block)
    assert len(store.window(connection, held, 10)) == left


@pytest.mark.parametrize(("decide", "left"), [(store.requeue, 2), (store.discard, 1)])
def test_a_person_lets_a_key_go_on(outbox, connection, lease, decide, left):
    """A requeued delivery is made before the later ones of its key."""
    for _ in range(2):
        outbox.publish(Target("mail", "a"))
    held = lease()
    failed = store.window(connection, held, 10)[0]
    with connection.transaction():
        store.bury(connection, "mail", failed, "Traceback", block=True)
        decide(connection, failed.id)
    found = [each.id for each in store.window(connection, held, 10)]
    assert found == [failed.id, failed.id + 1][-left:]


@pytest.mark.parametrize("decide", [store.requeue, store.discard])
def test_a_decision_about_a_dead_delivery_leaves_a_retry_its_place(
    outbox, connection, lease, decide
):
    """With "pass", a person decides about an older delivery while a later one waits for its retry."""
    for _ in range(3):
        outbox.publish(Target("mail", "a"))
    held = lease()
    dead, failed, _ = store.window(connection, held, 10)
    with connection.transaction():
        store.bury(connection, "mail", dead, "Traceback", block=False)
        store.retry(connection, "mail", failed, LEASE, "it failed")
    with connection.transaction():
        decide(connection, dead.id)
    assert store.window(connection, held, 10) == []


def test_a_shorter_wait_of_the_same_key_ends_no_longer_one(outbox, connection, lease):
    """A requeued delivery fails while a later one of its key waits: none overtakes that one."""
    for _ in range(3):
        outbox.publish(Target("mail", "a"))
    held = lease()
    first, second, _ = store.window(connection, held, 10)
    with connection.transaction():
        store.retry(connection, "mail", second, LEASE, "it failed")
        store.retry(connection, "mail", first, 0, "it failed")
    assert store.window(connection, held, 10) == []


def test_the_decision_about_another_delivery_leaves_a_dead_one_in_the_way(
    outbox, connection, lease
):
    """After "pass" became "block": a key goes on once the delivery that blocks it is gone."""
    for _ in range(3):
        outbox.publish(Target("mail", "a"))
    held = lease()
    passed, blocks, last = store.window(connection, held, 10)
    with connection.transaction():
        store.bury(connection, "mail", passed, "Traceback", block=False)
        store.bury(connection, "mail", blocks, "Traceback", block=True)
    with connection.transaction():
        store.unblock(connection, "mail", "a")  # as after a delivery that was made at last
        store.discard(connection, passed.id)
    assert store.window(connection, held, 10) == []
    with connection.transaction():
        store.discard(connection, blocks.id)
    assert store.window(connection, held, 10) == [last]


def test_a_key_that_an_older_version_has_blocked_goes_on(outbox, connection, lease):
    """It stored no time, and not which delivery blocks."""
    for _ in range(2):
        outbox.publish(Target("mail", "a"))
    held = lease()
    dead, last = store.window(connection, held, 10)
    with connection.transaction():
        store.bury(connection, "mail", dead, "Traceback", block=True)
        cursor = connection.connection.cursor()
        cursor.execute("UPDATE clarion_blocked SET until = NULL")
        cursor.close()
        connection.change("block", receiver="mail", key="a", delay=0)
    assert store.window(connection, held, 10) == []
    with connection.transaction():
        store.discard(connection, dead.id)
    assert store.window(connection, held, 10) == [last]


@pytest.mark.parametrize("first", [store.requeue, store.discard])
@pytest.mark.parametrize("second", [store.requeue, store.discard])
def test_two_people_decide_once(outbox, connection, lease, first, second, monkeypatch):
    """The second decision is refused, also if the delivery was dead when it was looked up."""
    outbox.publish(Target("mail", "a"))
    held = lease()
    [dead] = store.window(connection, held, 10)
    with connection.transaction():
        store.bury(connection, "mail", dead, "Traceback", block=True)
    found = store.find_dead(connection, dead.id)
    with connection.transaction():
        first(connection, dead.id)
    before = store.waiting(connection)
    monkeypatch.setattr(store, "find_dead", lambda *_: found)
    with (
        pytest.raises(ArgumentError, match="No dead delivery has the id"),
        connection.transaction(),
    ):
        second(connection, dead.id)
    assert store.waiting(connection) == before


def test_a_settlement_excludes_another_worker(outbox, connection, lease):
    """Until a settlement commits, no other worker can lease the partition."""
    if connection.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    held = lease(milliseconds=0)
    other = outbox.open()
    with connection.transaction():
        assert store.hold_partition(connection, held)
        assert lease(other) is None
    assert lease(other).epoch == held.epoch + 1
