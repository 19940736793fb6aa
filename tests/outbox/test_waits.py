"""Why deliveries wait, on each kind of database."""

from clarion.outbox import lapses, store
from clarion.outbox.delivery_row import NO_EVENT, Target
from clarion.outbox.waits import list_suspects


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
        held = store.lease_partition(connection, *found, 0)
        (waiting,) = store.window(connection, held, 1)
        lapses.begin(connection, waiting, held)
        cursor = connection.connection.cursor()
        cursor.execute("DELETE FROM clarion_event")
    (suspect,) = list_suspects(connection)
    assert (suspect.key, suspect.signal, suspect.lost_workers) == ("a", NO_EVENT, 1)
