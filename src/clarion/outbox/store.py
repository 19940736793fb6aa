"""The store: every operation on the rows of the outbox, on each kind of database.

No function begins or ends a transaction. The functions for a sender run in the sender's
transaction. The functions for a worker run in a transaction of the worker, where they say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core.commands import command_line
from clarion._core.names import quoted_name
from clarion.envelope.plain import encode as _json
from clarion.errors import ArgumentError
from clarion.outbox import inbox
from clarion.outbox.delivery_row import (
    BLOCKED_BY_DEAD,
    PARTITIONS,
    Claim,
    Dead,
    Lease,
    Target,
    Waiting,
    claim_of,
    fences,
    time_of,
)
from clarion.outbox.publication import publication
from clarion.outbox.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clarion.envelope import Envelope
    from clarion.outbox.connection import Connection


def publish(connection: Connection, envelope: Envelope, targets: Sequence[Target]) -> None:
    """Store one send for its receivers, in the sender's transaction.

    Args:
        connection: the sender's connection.
        envelope: the send.
        targets: its receivers.
    """
    for name, rows in publication(connection, envelope, targets):
        connection.insert(name, rows)


# --- Rows without a key: each is leased by itself.


def due_receivers(connection: Connection, receivers: Iterable[str]) -> list[str]:
    """Return which of these receivers have deliveries without a key that can be made now."""
    return [row[0] for row in connection.rows("due", receivers=_json(list(receivers)))]


def hasten(connection: Connection, receivers: Iterable[str]) -> int:
    """End the delay of waiting deliveries, for tests; return how many."""
    return connection.change("hasten", receivers=_json(list(receivers)))


def claim(connection: Connection, receiver: str, limit: int, lease: int) -> list[Claim]:
    """Lease the next deliveries of a receiver, in a transaction of the worker.

    Args:
        connection: the worker's connection.
        receiver: the name of the receiver.
        limit: how many at most.
        lease: how long this worker may hold them, in milliseconds.

    Returns:
        The deliveries, in the order of their sends.
    """
    marked = _lease_of("mark_claimed", connection, lease)
    found = connection.rows("claim", receiver=receiver, limit=limit, **marked)
    if not found:
        return []
    ids = _json([row[0] for row in found])
    if "mark_claimed" in statements(connection.dialect):
        connection.change("mark_claimed", ids=ids, lease=lease)
    return [claim_of(row) for row in connection.rows("claimed", ids=ids)]


def renew(connection: Connection, claims: Iterable[Claim], lease: int) -> int:
    """Lease deliveries, except locked ones, for a longer time; return how many it could lease."""
    fenced = fences(connection.dialect, claims)
    if connection.dialect != "mysql":
        return connection.change("renew", claims=fenced, lease=lease)
    free = [row[0] for row in connection.rows("renewable", claims=fenced)]
    connection.change("mark_renewed", ids=_json(free), lease=lease)
    return len(free)


def count_held(connection: Connection, claims: Iterable[Claim]) -> int:
    """Return how many deliveries no other worker has claimed since, without a lock."""
    return int(connection.rows("count_held", claims=fences(connection.dialect, claims))[0][0])


def settle(connection: Connection, claims: Iterable[Claim]) -> int:
    """Remove deliveries that were made; return how many this worker still held."""
    return connection.change("settle", claims=fences(connection.dialect, claims))


def hand_back(connection: Connection, claims: Iterable[Claim]) -> int:
    """End the lease of these deliveries, so that other workers can make them at once."""
    return connection.change("hand_back", claims=fences(connection.dialect, claims))


# --- Rows with a key: a worker leases a partition, and makes its deliveries in order.


def add_partitions(connection: Connection, receivers: Iterable[str]) -> None:
    """Add the partitions of receivers whose deliveries have keys, where they are missing."""
    parts = list(range(PARTITIONS))
    connection.change("add_partitions", receivers=_json(list(receivers)), parts=_json(parts))


def due_partitions(connection: Connection, receivers: Iterable[str]) -> list[tuple[str, int]]:
    """Return the partitions of these receivers that have work and that no worker holds."""
    found = connection.rows("due_partitions", receivers=_json(list(receivers)))
    return [(row[0], row[1]) for row in found]


def lease_partition(connection: Connection, receiver: str, part: int, lease: int) -> Lease | None:
    """Lease a partition, in a transaction of the worker; None if another worker holds it."""
    marked = _lease_of("mark_leased", connection, lease)
    found = connection.rows("lease_partition", receiver=receiver, part=part, **marked)
    if not found:
        return None
    held = Lease(receiver, part, found[0][0], bool(found[0][1]))
    if "mark_leased" in statements(connection.dialect):
        connection.change("mark_leased", lease=lease, **held._asdict())
    return held


def renew_partition(connection: Connection, held: Lease, lease: int) -> bool:
    """Lease a partition, unless it is locked, for a longer time; return whether it could be leased."""
    row = held._asdict()
    if connection.dialect == "mysql" and not connection.rows("renewable_partition", **row):
        return False
    return connection.change("renew_partition", lease=lease, **row) > 0


def has_partition(connection: Connection, held: Lease) -> bool:
    """Return whether no other worker has leased a partition since, without a lock."""
    return bool(connection.rows("has_partition", **held._asdict()))


def release_partition(connection: Connection, held: Lease) -> None:
    """End the lease of a partition, so that other workers can lease it at once."""
    connection.change("release_partition", **held._asdict())


def hold_partition(connection: Connection, held: Lease) -> bool:
    """Return whether this worker holds a partition; lock it until the end of the transaction.

    Call it first in each settlement of a row with a key.
    """
    return bool(connection.rows("hold_partition", **held._asdict()))


def window(connection: Connection, held: Lease, limit: int) -> list[Claim]:
    """Return the next deliveries of a partition, in the order of their sends.

    If the first delivery of a key waits for a retry or has died, none of that key is returned.
    """
    found = connection.rows("window", receiver=held.receiver, part=held.part, limit=limit)
    return [claim_of(row) for row in found]


# --- Failures


def retry(connection: Connection, receiver: str, failed: Claim, delay: int, error: str) -> bool:
    """Retry a delivery after a delay; later ones of its key wait for it.

    Args:
        connection: the worker's connection, in a transaction.
        receiver: the name of the receiver.
        failed: the delivery.
        delay: how long it waits, in milliseconds.
        error: what went wrong.

    Returns:
        Whether this worker still held it.
    """
    changed = connection.change(
        "retry", id=failed.id, attempt=failed.attempt, delay=delay, error=error
    )
    if changed and failed.key is not None:
        connection.change("block", receiver=receiver, key=failed.key, delay=delay)
    return changed > 0


def postpone(connection: Connection, receiver: str, claim: Claim, delay: int) -> bool:
    """Make a delivery wait without a failure, because this program cannot make it.

    Args:
        connection: the worker's connection, in a transaction.
        receiver: the name of the receiver in the row.
        claim: the delivery.
        delay: how long it waits, in milliseconds.

    Returns:
        Whether this worker still held it.
    """
    changed = connection.change("postpone", id=claim.id, attempt=claim.attempt, delay=delay)
    if changed and claim.key is not None:
        connection.change("block", receiver=receiver, key=claim.key, delay=delay)
    return changed > 0


def unblock(connection: Connection, receiver: str, key: str) -> None:
    """End the wait of the deliveries of a key for a retry, after the first of them was made."""
    connection.change("unblock", receiver=receiver, key=key, dead=BLOCKED_BY_DEAD)


def bury(connection: Connection, receiver: str, failed: Claim, error: str, *, block: bool) -> bool:
    """Give up a delivery, and keep it as a dead letter.

    Args:
        connection: the worker's connection, in a transaction.
        receiver: the name of the receiver.
        failed: the delivery.
        error: what went wrong.
        block: whether the later deliveries of its key wait until a person has decided.

    Returns:
        Whether this worker still held it.
    """
    buried = connection.change("bury", id=failed.id, attempt=failed.attempt, error=error)
    if not buried:
        return False
    settle(connection, [failed])
    if failed.key is not None:
        if block:
            dead = BLOCKED_BY_DEAD + failed.id
            connection.change("block_dead", receiver=receiver, key=failed.key, dead=dead)
        else:
            unblock(connection, receiver, failed.key)
    return True


# --- For a person


def waiting(connection: Connection) -> list[Waiting]:
    """Return how many deliveries of each receiver wait, and how many are dead."""
    dead = {row[0]: row[1] for row in connection.rows("dead")}
    found = {
        row[0]: Waiting(row[0], row[1], time_of(row[2]), row[3], dead.pop(row[0], 0), row[4])
        for row in connection.rows("waiting")
    }
    found |= {name: Waiting(name, 0, None, 0, count) for name, count in dead.items()}
    return [found[name] for name in sorted(found)]


def list_dead(
    connection: Connection,
    receiver: str | None = None,
    row: int | None = None,
    limit: int = 100,
    after: int = 0,
) -> list[Dead]:
    """Return deliveries that were given up, oldest first.

    Args:
        connection: a connection.
        receiver: the name of a receiver, to return only its deliveries.
        row: the id of a delivery, to return only this one.
        limit: how many at most.
        after: an id, to return only deliveries with a larger one.
    """
    found = connection.rows("list_dead", receiver=receiver, id=row, limit=limit, after=after)
    return [_dead(*each) for each in found]


def find_dead(connection: Connection, row: int) -> Dead:
    """Return one delivery that was given up.

    Raises:
        ArgumentError: if no dead delivery has this id.
    """
    if found := list_dead(connection, row=row):
        return found[0]
    raise _not_dead(row)


def requeue(connection: Connection, row: int) -> None:
    """Queue a dead delivery again, before the later ones of its key.

    Raises:
        ArgumentError: if no dead delivery has this id.
    """
    dead = find_dead(connection, row)
    if not connection.change("requeue", id=row):
        raise _not_dead(row)
    _forget(connection, dead)


def discard(connection: Connection, row: int) -> None:
    """Remove a delivery that was given up; the later ones of its key continue.

    Raises:
        ArgumentError: if no dead delivery has this id.
    """
    _forget(connection, find_dead(connection, row))


def prune(connection: Connection, age: int, limit: int = 10_000) -> int:
    """Remove events whose deliveries were all made, and calls of the inbox; return how many.

    Args:
        age: how old they must be, in milliseconds.
        limit: how many at most. Call the function again until it returns less.
    """
    events = connection.change("prune", age=age, limit=limit)
    return events + inbox.prune(connection, age, limit - events)


def _forget(connection: Connection, dead: Dead) -> None:
    # Another transaction may have requeued or discarded it since it was found.
    if not connection.change("discard", id=dead.id):
        raise _not_dead(dead.id)
    if dead.key is not None:
        block = BLOCKED_BY_DEAD + dead.id
        connection.change("unblock_dead", receiver=dead.receiver, key=dead.key, dead=block)


def _not_dead(row: int) -> ArgumentError:
    return ArgumentError(
        f"No dead delivery has the id {quoted_name(str(row))}. List them with "
        f"`{command_line('outbox ls')}`.",
        ["row"],
    )


def _dead(row: int, failures: int, receiver: str, key: str | None, *event_and_error: Any) -> Dead:
    *event, error, died_at = event_and_error
    envelope = claim_of((row, 0, failures, key, *event)).shown_envelope()
    return Dead(row, failures, receiver, key, envelope, error, time_of(died_at))


def _lease_of(mark: str, connection: Connection, lease: int) -> dict[str, int]:
    """Return the lease as a parameter, if no second statement marks the rows that the first one finds."""
    return {} if mark in statements(connection.dialect) else {"lease": lease}
