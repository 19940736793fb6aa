"""Why deliveries wait, for a person."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from clarion._core.names import counted
from clarion.outbox.ages import shown
from clarion.outbox.delivery_row import BLOCKED_BY_DEAD, NO_EVENT, Suspect
from clarion.outbox.lapses import lost_workers

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from clarion.outbox.connection import Connection

# One delivery, several, and when the first of them continues.
_REASONS = {
    "due": ("can be made now", "can be made now", ""),
    "leased": (
        "is leased to another worker",
        "are leased to other workers",
        "unless renewed, the lease ends in {}",
    ),
    "delayed": ("waits for its delay", "wait for their delay", "due in {}"),
    "failed": (
        "has failed and waits for its retry",
        "have failed and wait for their retry",
        "due in {}",
    ),
    "behind": (
        "waits for an earlier one of its key",
        "wait for earlier ones of their keys",
        "due in {}",
    ),
    "postponed": ("was postponed by a worker", "were postponed by workers", "due in {}"),
    "blocked": (
        "is blocked by a dead one of its key",
        "are blocked by dead ones of their keys",
        "",
    ),
}


class Wait(NamedTuple):
    """The deliveries of one receiver that wait for the same reason.

    Attributes:
        receiver: the name of the receiver.
        reason: "due" if they can be made now, "leased" if a worker has them, "delayed" by `delay`, or
            "failed" if they wait for a retry. "behind" means that an earlier one of their key waits, and
            "blocked" that a dead one of their key blocks them. A worker that could not make them has
            "postponed" them.
        deliveries: how many.
        seconds: in how many seconds the first of them continues, or the lease ends; None if it is
            "due" or "blocked".
    """

    receiver: str
    reason: str
    deliveries: int
    seconds: float | None


def list_suspects(connection: Connection, limit: int = 100) -> list[Suspect]:
    """Return the deliveries that have lost a worker, those with the most lost workers first.

    A worker that is killed loses all that it held, so most of these deliveries are innocent, and are
    made soon. Those that have lost two workers were made by themselves when they lost the second one.

    Args:
        connection: a connection.
        limit: how many at most.
    """
    return [
        Suspect(row, receiver, signal or NO_EVENT, key, UUID(uid), failures, lost_workers(attempt))
        for row, receiver, signal, key, uid, failures, attempt in connection.rows(
            "list_suspects", limit=limit
        )
    ]


def count_waits(connection: Connection) -> list[Wait]:
    """Return how many deliveries of each receiver wait, for each reason.

    Args:
        connection: a connection.
    """
    return [
        Wait(receiver, reason, count, None if reason in {"due", "blocked"} else max(0, left) / 1000)
        for receiver, reason, count, left in connection.rows("count_waits", dead=BLOCKED_BY_DEAD)
    ]


def describe_waits(waits: Sequence[Wait], receivers: Collection[str]) -> str:
    """Return a sentence that says how many deliveries wait, and why; empty if none waits.

    Args:
        waits: from `count_waits`.
        receivers: the names of the receivers to include.
    """
    found: defaultdict[str, list[Wait]] = defaultdict(list)
    for each in waits:
        if each.receiver in receivers:
            found[each.reason].append(each)
    texts = [_describe(found[each], *_REASONS[each]) for each in _REASONS if each in found]
    return f"These deliveries wait: {'; '.join(texts)}." if texts else ""


def _describe(waits: list[Wait], one: str, many: str, when: str) -> str:
    count = counted(sum(each.deliveries for each in waits), one, many)
    if (left := waits[0].seconds) is None:
        return count
    left = min(each.seconds or 0 for each in waits)
    return f"{count} ({when.format(shown(timedelta(seconds=left)))})"
