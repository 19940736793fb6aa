"""The response of a durable receiver in the send that stores its delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from uuid import UUID


class Stored(NamedTuple):
    """The response of a receiver whose delivery was stored.

    Attributes:
        uid: identifies the send; the receiver gets it as `delivery_uid`.
        receiver: the stable name of the receiver.
        boundary: the name of the transaction that it was stored in.
        reason: why it was stored in this transaction.
    """

    uid: UUID
    receiver: str
    boundary: str
    reason: str

    def __repr__(self) -> str:
        return f"<Stored for {self.receiver} in {self.boundary}: {self.uid}>"
