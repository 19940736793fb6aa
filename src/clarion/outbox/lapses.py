"""Deliveries whose worker has vanished, as the first bits of `attempt` record them.

A worker that is killed settles nothing, so the leases of all that it held lapse. One of its receivers may
have killed it, and will kill the next worker. The others are innocent. `attempt` is the number of the
attempt, plus `STATE` times one of these states:

| State | The delivery |
|---|---|
| `REST` | was not claimed yet, or its claim was ended |
| `CLAIMED` | was claimed with others |
| `MARKED` | lost its worker once. It is made by itself, so what runs is known |
| `BEGUN` | was marked, and runs by itself |
| `SUSPECT` | lost its worker while it ran by itself. Nothing else may run beside it in the process |
| `ALONE` | was suspect, and runs while nothing else runs |
| `GUILTY` | lost its worker while it ran alone. A failure is to be counted |

A claim moves a delivery that was left in `CLAIMED`, `BEGUN` or `ALONE` to the next state. A proper end of the
claim moves it back from these states. A delivery stays `GUILTY` until its failure is counted. Then it is `SUSPECT`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.outbox import store
from clarion.outbox.statements import STATE

if TYPE_CHECKING:
    from clarion.outbox.connection import Connection
    from clarion.outbox.delivery_row import Claim, Lease

REST, CLAIMED, MARKED, BEGUN, SUSPECT, ALONE, GUILTY = range(7)

WITH_CARE = MARKED * STATE
"""From this value of `attempt` on, a delivery has lost a worker."""


def state_of(claim: Claim) -> int:
    """Return the state of a delivery."""
    return claim.attempt // STATE


def lost_workers(attempt: int) -> int:
    """Return how many workers have ended while they held a delivery, by its `attempt`."""
    return attempt // STATE // 2


def needs_care(claim: Claim) -> bool:
    """Return whether a delivery has lost a worker, so that it is made by itself."""
    return claim.attempt >= WITH_CARE


def is_suspect(claim: Claim) -> bool:
    """Return whether a delivery has lost a worker while it ran by itself."""
    return state_of(claim) in {BEGUN, SUSPECT}


def has_ended_its_worker(claim: Claim) -> bool:
    """Return whether its last worker has vanished while nothing else ran in it."""
    return state_of(claim) >= ALONE  # the rows of a partition are not claimed


def begin(connection: Connection, claim: Claim, partition: Lease | None) -> Claim | None:
    """Record that a delivery is about to run by itself, in a transaction of the worker.

    Args:
        connection: the worker's connection.
        claim: the delivery.
        partition: the partition of a delivery with a key.

    Returns:
        The delivery as it is stored now; None if another worker has it.
    """
    if partition is not None and not store.hold_partition(connection, partition):
        return None
    state = ALONE if is_suspect(claim) else BEGUN
    begun = claim._replace(attempt=claim.attempt % STATE + state * STATE)
    changed = connection.change("begin", id=claim.id, attempt=claim.attempt, begun=begun.attempt)
    return begun if changed else None
