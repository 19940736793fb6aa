"""Deliveries whose worker has vanished, on each kind of database."""

import pytest

from clarion.outbox import lapses, store
from clarion.outbox.delivery_row import Target, partition_of
from clarion.outbox.lapses import ALONE, BEGUN, CLAIMED, GUILTY, MARKED, SUSPECT, state_of
from clarion.outbox.statements import STATE

PART = partition_of("a")


def claim(connection):
    """Claim the only delivery, with a lease that is over at once."""
    with connection.transaction():
        (claimed,) = store.claim(connection, "mail", 10, 0)
    return claimed


def begin(connection, claimed, partition=None):
    """Record that a delivery begins."""
    with connection.transaction():
        return lapses.begin(connection, claimed, partition)


def test_each_worker_that_vanishes_makes_a_delivery_more_suspect(outbox, connection):
    """A delivery that was only waiting for its turn stays where it is."""
    outbox.publish()
    assert [state_of(claim(connection)) for _ in range(3)] == [CLAIMED, MARKED, MARKED]
    begun = begin(connection, claim(connection))
    assert (state_of(begun), lapses.needs_care(begun)) == (BEGUN, True)
    suspect = claim(connection)
    assert (state_of(suspect), lapses.is_suspect(suspect)) == (SUSPECT, True)
    assert state_of(claim(connection)) == SUSPECT
    assert state_of(begin(connection, claim(connection))) == ALONE
    guilty = claim(connection)
    assert (state_of(guilty), lapses.has_ended_its_worker(guilty)) == (GUILTY, True)
    assert store.hand_back(connection, [guilty])  # the worker that was to count it has stopped
    guilty = claim(connection)
    assert state_of(guilty) == GUILTY
    assert store.postpone(connection, "mail", guilty, 0)  # that one does not know the receiver
    guilty = claim(connection)
    assert state_of(guilty) == GUILTY
    guilty = claim(connection)  # that worker has vanished, too
    assert state_of(guilty) == GUILTY
    assert store.retry(connection, "mail", guilty, 0, "it failed")
    again = claim(connection)
    assert (state_of(again), again.failures) == (SUSPECT, 1)


@pytest.mark.parametrize(
    "end",
    [
        lambda connection, held: store.hand_back(connection, [held]),
        lambda connection, held: store.retry(connection, "mail", held, 0, "it failed"),
        lambda connection, held: store.postpone(connection, "mail", held, 0),
    ],
    ids=["hand back", "retry", "postpone"],
)
def test_a_worker_that_ends_a_claim_has_not_vanished(outbox, connection, end):
    """Neither a usual claim nor one that runs by itself makes a delivery more suspect then."""
    outbox.publish()
    for _ in range(2):
        held = claim(connection)
        with connection.transaction():
            assert end(connection, held)
    assert state_of(claim(connection)) == CLAIMED
    for state in (MARKED, SUSPECT):
        begun = begin(connection, claim(connection))
        with connection.transaction():
            assert end(connection, begun)
        held = claim(connection)
        assert state_of(held) == state
        begin(connection, held)  # and this worker vanishes


def test_what_an_older_clarion_has_stored_has_lost_no_worker(outbox, connection):
    """It counted the claims only, so its rows may have any number."""
    numbers = range(1, 20)
    for number in numbers:
        outbox.publish(number=number)
    with connection.transaction():
        waiting = store.claim(connection, "mail", 100, 60_000)
        for each, number in zip(waiting, numbers, strict=True):
            connection.change("begin", id=each.id, attempt=each.attempt, begun=number)
            assert store.postpone(connection, "mail", each._replace(attempt=number), 0)
        found = store.claim(connection, "mail", 100, 0)
    assert [each.attempt for each in found] == [number + 2 + STATE for number in numbers]
    assert {state_of(each) for each in found} == {CLAIMED}


def test_an_older_worker_leaves_the_state_as_it_is(outbox, connection):
    """It adds one at each claim and failure, and a newer worker may be next."""
    outbox.publish()
    claim(connection)
    marked = claim(connection)
    assert connection.change(
        "begin", id=marked.id, attempt=marked.attempt, begun=marked.attempt + 9
    )
    again = claim(connection)
    assert (state_of(again), again.attempt % STATE) == (MARKED, 12)


def test_only_the_worker_that_holds_a_delivery_begins_it(outbox, connection):
    """After another claim it does not begin, and a settlement of the old claim has no effect."""
    outbox.publish()
    first, second = claim(connection), claim(outbox.open())
    assert begin(connection, first) is None
    begun = begin(connection, second)
    with connection.transaction():
        assert store.settle(connection, [second]) == 0
        assert store.settle(connection, [begun]) == 1


def test_a_partition_knows_whether_its_last_worker_has_vanished(outbox, connection):
    """The lease before has lapsed, if it was not released."""

    def lease(milliseconds=0):
        with connection.transaction():
            return store.lease_partition(connection, "mail", PART, milliseconds)

    with connection.transaction():
        store.add_partitions(connection, ["mail"])
    assert not lease().has_lapsed
    held = lease()
    assert held.has_lapsed
    store.release_partition(connection, held)
    assert not lease(60_000).has_lapsed


def test_a_delivery_of_a_partition_is_suspect_at_once(outbox, connection):
    """It begins by itself, since its partition has lost a worker before."""
    outbox.publish(Target("mail", "a"))
    with connection.transaction():
        store.add_partitions(connection, ["mail"])
        first = store.lease_partition(connection, "mail", PART, 0)
    assert first is not None
    (waiting,) = store.window(connection, first, 10)
    assert not lapses.needs_care(waiting)
    assert state_of(begin(connection, waiting, first)) == BEGUN
    with connection.transaction():
        second = store.lease_partition(connection, "mail", PART, 60_000)
    assert second is not None
    (found,) = store.window(connection, second, 10)
    assert lapses.is_suspect(found)
    assert begin(connection, found, first) is None  # its lease is over
    assert state_of(begin(connection, found, second)) == ALONE
