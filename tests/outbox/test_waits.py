"""Why deliveries wait, on each kind of database."""

from typing import Any

import pytest

from clarion.outbox import lapses, store
from clarion.outbox.delivery_row import NO_EVENT, Target, partition_of
from clarion.outbox.waits import Wait, count_waits, describe_waits, list_suspects


def claim(connection, count=1):
    """Claim all deliveries, with a lease that is over at once; return them as the last claim did."""
    for _ in range(count):
        with connection.transaction():
            claimed = store.claim(connection, "mail", 10, 0)
    return claimed


def test_the_most_suspect_delivery_is_first(outbox, connection):
    """A delivery that lost one worker follows those that have lost more, with what identifies it."""
    for number in range(3):
        outbox.publish(number=number)
    claim(connection)
    assert list_suspects(connection) == []
    first, second, _ = claim(connection)
    with connection.transaction():
        lapses.begin(connection, second, None)
        store.settle(connection, [first])
    claim(connection)
    suspects = list_suspects(connection)
    assert [(each.id - first.id, each.lost_workers) for each in suspects] == [(1, 2), (2, 1)]
    assert [each.lost_workers for each in list_suspects(connection, limit=1)] == [2]
    assert suspects[0].uid.hex == second.uid
    assert (suspects[0].receiver, suspects[0].signal) == ("mail", second.signal)
    (counts,) = store.waiting(connection)
    assert (counts.deliveries, counts.suspects) == (2, 2)


def test_a_delivery_with_a_key_and_without_its_event_is_listed(outbox, connection):
    """It is listed with its key, and a text in place of the signal."""
    outbox.publish(Target("mail", "a"))
    with connection.transaction():
        store.add_partitions(connection, ["mail"])
        (found,) = store.due_partitions(connection, ["mail"])
        held: Any = store.lease_partition(connection, *found, 0)
        (waiting,) = store.window(connection, held, 1)
        lapses.begin(connection, waiting, held)
        cursor = connection.connection.cursor()
        cursor.execute("DELETE FROM clarion_event")
    (suspect,) = list_suspects(connection)
    assert (suspect.key, suspect.signal, suspect.lost_workers) == ("a", NO_EVENT, 1)


def lease(connection, key):
    """Lease the partition of a key, and return it with its deliveries."""
    store.add_partitions(connection, ["mail"])
    held: Any = store.lease_partition(connection, "mail", partition_of(key), 30_000)
    return held, store.window(connection, held, 10)


def counted(connection):
    """Return how many deliveries wait for each reason."""
    return {each.reason: each.deliveries for each in count_waits(connection)}


def test_deliveries_without_a_key_wait_for_a_reason(outbox, connection):
    """Leased, delayed, failed, postponed and due deliveries are counted, with the shortest wait."""
    for number in range(6):
        outbox.publish(number=number)
    for delay in (60_000, 3_600_000):
        outbox.publish(Target("mail", delay=delay))
    with connection.transaction():
        first, second, *_ = store.claim(connection, "mail", 5, 30_000)
        store.retry(connection, "mail", first, 20_000, "it failed")
        store.postpone(connection, "mail", second, 300_000)
    waits: dict[str, Any] = {each.reason: each for each in count_waits(connection)}
    expected = {"due": 1, "leased": 3, "delayed": 2, "failed": 1, "postponed": 1}
    assert counted(connection) == expected
    assert 0 < waits["leased"].seconds <= 30
    assert 30 < waits["delayed"].seconds <= 60
    assert 0 < waits["failed"].seconds <= 20
    assert waits["due"].seconds is None


def test_a_delivery_that_runs_by_itself_is_leased(outbox, connection):
    """The states of deliveries that have lost a worker count as leased, too."""
    outbox.publish()
    claim(connection, 3)
    with connection.transaction():
        (marked,) = store.claim(connection, "mail", 10, 30_000)
        lapses.begin(connection, marked, None)
    assert counted(connection) == {"leased": 1}


def test_deliveries_with_a_key_wait_for_a_reason(outbox, connection):
    """A delivery waits for the worker of its partition, and behind a failed or a dead one of its key."""
    for key in "aab":
        outbox.publish(Target("mail", key))
    assert counted(connection) == {"due": 3}
    with connection.transaction():
        held, (first, *_) = lease(connection, "a")
        assert counted(connection) == {"leased": 2, "due": 1}
        store.retry(connection, "mail", first, 20_000, "it failed")
        store.release_partition(connection, held)
    assert counted(connection) == {"failed": 1, "behind": 1, "due": 1}
    behind: Any = next(each for each in count_waits(connection) if each.reason == "behind")
    assert 0 < behind.seconds <= 20
    with connection.transaction():
        held, (only,) = lease(connection, "b")
        store.bury(connection, "mail", only, "it failed", block=True)
        store.release_partition(connection, held)
    outbox.publish(Target("mail", "b"), Target("mail", "b", delay=60_000))
    assert counted(connection) == {"failed": 1, "behind": 1, "blocked": 2}


LEASED = "These deliveries wait: {} (unless renewed, the lease ends in {} s)"
BLOCKED = "1 is blocked by a dead one of its key"
WAITS = [
    Wait("mail", "leased", 1, 29.9),
    Wait("bill", "leased", 2, 3.2),
    Wait("bill", "delayed", 1, 7200.0),
    Wait("mail", "blocked", 1, None),
    Wait("sms", "due", 5, None),
]


@pytest.mark.parametrize(
    ("receivers", "text"),
    [
        ({"none"}, ""),
        ({"sms"}, "These deliveries wait: 5 can be made now."),
        (
            {"mail"},
            f"{LEASED.format('1 is leased to another worker', 29)}; {BLOCKED}.",
        ),
        (
            {"mail", "bill"},
            f"{LEASED.format('3 are leased to other workers', 3)}; 1 waits for its delay (due in 2 h); {BLOCKED}.",
        ),
    ],
)
def test_the_reasons_are_one_sentence(receivers, text):
    """Only the named receivers count, and the shortest wait of each reason is shown."""
    assert describe_waits(WAITS, receivers) == text
