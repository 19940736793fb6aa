"""Why deliveries wait, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from clarion.outbox.delivery_row import NO_EVENT, Suspect
from clarion.outbox.lapses import lost_workers

if TYPE_CHECKING:
    from clarion.outbox.connection import Connection


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
