"""The transaction of a receiver that a worker calls, as the boundary for its own sends."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from clarion.commit.boundary import ActiveBoundary, Boundary

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

    from clarion.commit.pending_call import PendingCall
    from clarion.outbox.connection import AsyncConnection, Connection


class ReceiverBoundary(Boundary):
    """The transaction of one call of a receiver.

    Args:
        connection: the connection of the transaction.
        calls: gets the calls that wait for its commit.
    """

    name = "the transaction of a receiver"

    def __init__(self, connection: Connection | AsyncConnection, calls: list[PendingCall]) -> None:
        self._connection = connection
        self._calls = calls
        self.is_over = False

    def is_open(self) -> bool:
        """Return whether the call has not ended."""
        return not self.is_over

    def add_call(self, call: PendingCall) -> None:
        """Keep a call until the worker commits the transaction."""
        self._calls.append(call)

    def write_connection(self) -> AbstractContextManager[Any]:
        """Return a context manager that yields the connection of the receiver."""
        return nullcontext(self._connection)


@contextmanager
def receiver_boundary(
    connection: Connection | AsyncConnection, calls: list[PendingCall]
) -> Generator[None]:
    """Store what the block sends in the transaction of its receiver.

    Args:
        connection: the connection of the transaction.
        calls: gets the calls that wait for the commit.
    """
    boundary = ReceiverBoundary(connection, calls)
    active = ActiveBoundary(boundary)
    active.enter()
    try:
        yield
    finally:
        boundary.is_over = True
        active.leave()
