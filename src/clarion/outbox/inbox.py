"""The inbox: the calls of background receivers whose effect a database already has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clarion.outbox.connection import AsyncConnection, Connection


def receive(connection: Connection, receiver: str, uid: str) -> bool:
    """Record the call of a receiver, in the transaction of the receiver.

    Args:
        connection: the connection, in that transaction.
        receiver: the stable name of the receiver.
        uid: identifies the send, in 32 hexadecimal digits.

    Returns:
        Whether the call was not recorded before.
    """
    return bool(connection.change("receive", receiver=receiver, uid=uid))


async def areceive(connection: AsyncConnection, receiver: str, uid: str) -> bool:
    """Record the call of a receiver, as `receive`, on an async connection."""
    return bool(await connection.change("receive", receiver=receiver, uid=uid))


def prune(connection: Connection, age: int, limit: int) -> int:
    """Remove calls that are older than `age` milliseconds; return how many were removed."""
    return connection.change("prune_inbox", age=age, limit=limit)
