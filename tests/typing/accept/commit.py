"""Receivers that run after the commit: deliveries, blocks, suppressed sends."""

import sqlite3
from collections.abc import Callable, Hashable
from typing import Any

from clarion import Signal, on_commit, receiver, signal
from clarion.commit import BoundOnCommit, OnCommit, Scheduled, atomic, suppressed
from clarion.delivery import Bound, Delivery, now
from clarion.typing import Receiver

order_paid = Signal()


@signal
def declared(sender: object, *, order_id: int) -> None:
    """A declared signal."""


# Deliveries, at every way to connect.


@receiver(order_paid, delivery=on_commit)
def take_later(sender: object, **kwargs: Any) -> None:
    """Run after the commit."""


@receiver(order_paid, delivery=on_commit(coalesce="order_id", using="default"), once=True)
def take_once(sender: object, sends: list[dict[str, Any]], **kwargs: Any) -> None:
    """Run once for each order."""


@receiver([order_paid, declared], delivery=on_commit(coalesce=["sender", "order_id"]))
async def take_both(sender: object, **kwargs: Any) -> None:
    """Receive two signals."""


@receiver(declared, delivery=on_commit(coalesce="order_id"))
def take_declared(sender: object, order_id: int) -> None:
    """Run once for each order."""


@receiver(declared, delivery=on_commit(coalesce="order_id"), sender="web", priority=1)
def take_all(order_id: int, sends: list[dict[str, Any]], signal: Signal, **kwargs: Any) -> str:
    """Request parameters that are not declared, in any position."""
    return ""


@receiver(declared, delivery=None)
def take_now(sender: object, order_id: int) -> None:
    """Run inside the send."""


def key_of(**named: Any) -> Hashable:
    """Return a key."""
    return tuple(named)


order_paid.connect(take_later, delivery=now)
order_paid.connect(take_later, delivery=None)
declared.connect(take_now, delivery=None, priority=1)
declared.connect(take_all, delivery=on_commit, once=True)
told_all: str = take_all(1, [], order_paid)
declared.connect(take_declared, delivery=on_commit(coalesce=key_of))

later: OnCommit = on_commit
later = on_commit()
delivery: Delivery = on_commit
delivery = now
bound: BoundOnCommit = on_commit.bind(take_later, order_paid)
general: Bound = bound
counted: dict[str, int] = bound.counts


class Sometime:
    """A user's own delivery."""

    def bind(self, receiver: Receiver, signal: Signal) -> Bound | None:
        """Return no bound delivery."""
        return None


order_paid.connect(take_later, delivery=Sometime())

for _, response in order_paid.send("web", order_id=1):
    if isinstance(response, Scheduled):
        status: str = response.status
        result: Any = response.response
        found: tuple[str, str] = response.boundary, response.reason

# Blocks.

with atomic():
    pass
with atomic(sqlite3.connect(":memory:"), using="orders") as block:
    kept: atomic = block


async def main(connection: object) -> int:
    """Enter blocks that are awaited."""
    async with atomic(connection) as awaited, atomic():
        return len(repr(awaited))


def may_return() -> int:
    """Return from a block, which suppresses no exception."""
    with atomic():
        return 1


def suppresses() -> int:
    """Return from a block."""
    with suppressed("an import") as quiet:
        return quiet.count


by_receiver: dict[str, int] = suppressed(reason="a fixture").counts
take: Callable[..., None] = take_later
