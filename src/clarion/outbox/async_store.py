"""The operations of `store` that run on a sender's or a receiver's async connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.outbox.delivery_row import BLOCKED_BY_DEAD, fences
from clarion.outbox.publication import publication

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clarion.envelope import Envelope
    from clarion.outbox.connection import AsyncConnection
    from clarion.outbox.delivery_row import Claim, Lease, Target


async def apublish(
    connection: AsyncConnection, envelope: Envelope, targets: Sequence[Target]
) -> None:
    """Store one send for its receivers on an async connection, as `publish`."""
    for name, rows in publication(connection, envelope, targets):
        await connection.insert(name, rows)


async def asettle(connection: AsyncConnection, claims: Iterable[Claim]) -> int:
    """Remove deliveries that were made, as `settle`."""
    return await connection.change("settle", claims=fences(connection.dialect, claims))


async def ahold_partition(connection: AsyncConnection, held: Lease) -> bool:
    """Return whether this worker holds a partition, as `hold_partition`."""
    return bool(await connection.rows("hold_partition", **held._asdict()))


async def aunblock(connection: AsyncConnection, receiver: str, key: str) -> None:
    """End the wait of the deliveries of a key, as `unblock`."""
    await connection.change("unblock", receiver=receiver, key=key, dead=BLOCKED_BY_DEAD)
