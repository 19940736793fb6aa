"""Requeue, discard and prune many deliveries, in transactions of a bounded size.

`clarion outbox` and `manage.py outbox` call these functions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from clarion.errors import ArgumentError
from clarion.listing import NO_TEXT, did_you_mean, some_of
from clarion.outbox import store
from clarion.worker.connections import in_transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from clarion.outbox.connection import Connection, WorkerConnection
    from clarion.outbox.delivery_row import Waiting

BATCH = 100  # dead deliveries in one transaction
PRUNED_AT_ONCE = 5000  # events in one transaction

LARGEST_ID = 2**63 - 1


class Selection:
    """Dead deliveries that a user has selected: by their ids, of a receiver, or all.

    Args:
        ids: their ids; None or empty if they are selected otherwise.
        receiver: the name of a receiver, for all of its deliveries.
        is_all: whether all are selected.

    Raises:
        ArgumentError: if not exactly one of the three is given.
    """

    def __init__(self, ids: list[int] | None, receiver: str | None, *, is_all: bool) -> None:
        if [bool(ids), receiver is not None, is_all].count(True) != 1:
            raise ArgumentError("Name what you mean: one or more ids, --receiver NAME, or --all.")
        self.ids = list(dict.fromkeys(ids or ()))
        self._receiver = receiver

    def count(self, connection: Connection) -> int:
        """Return how many deliveries are selected.

        Raises:
            ArgumentError: if an id is not that of a dead delivery.
        """
        if self.ids:
            return len([store.find_dead(connection, each) for each in self.ids])
        found = store.waiting(connection)
        return sum(each.dead for each in found if self._receiver in {None, each.receiver})

    def change(
        self,
        connection: WorkerConnection,
        function: Callable[[Connection, int], None],
        progress: Callable[[int], None] | None = None,
    ) -> list[int]:
        """Call a function for each delivery, in transactions, and return the ids.

        All ids that a user has listed are changed, or none. Others are changed in batches, so that
        the workers wait for a short time only.

        Args:
            connection: the connection.
            function: requeues or discards one delivery.
            progress: called with the number of changed deliveries after each batch.

        Raises:
            ArgumentError: if an id is not that of a dead delivery.
        """
        if self.ids:
            return in_transaction(connection, lambda open_: _each(open_, self.ids, function))
        done: list[int] = []
        # A delivery may fail again before the command ends, so each is taken once.
        while batch := in_transaction(
            connection, partial(self._batch, function=function, after=max(done, default=0))
        ):
            done += batch
            if progress is not None:
                progress(len(done))
        return done

    def _batch(
        self, connection: Connection, function: Callable[[Connection, int], None], after: int
    ) -> list[int]:
        found = store.list_dead(connection, receiver=self._receiver, limit=BATCH, after=after)
        return _each(connection, [each.id for each in found], function)


def prune(
    connection: WorkerConnection, age: int, progress: Callable[[int], None] | None = None
) -> int:
    """Remove all old sends whose deliveries were made, in transactions, and return how many.

    Args:
        connection: the connection.
        age: the least age of a send, in milliseconds.
        progress: called with the number of removed sends after each transaction.
    """
    removed = 0
    while True:
        count = in_transaction(connection, lambda open_: store.prune(open_, age, PRUNED_AT_ONCE))
        removed += count
        if progress is not None:
            progress(removed)
        if count < PRUNED_AT_ONCE:
            return removed


def _each(
    connection: Connection, ids: list[int], function: Callable[[Connection, int], None]
) -> list[int]:
    for each in ids:
        function(connection, each)
    return ids


def why_none(receiver: str | None, counted: Iterable[Waiting]) -> str:
    """Return that no delivery of a receiver is stored, and whose are; empty if it has one.

    Args:
        receiver: the name that the user gave; None if the user gave none.
        counted: the counts of the receivers in the database.
    """
    known = {each.receiver for each in counted}
    if receiver is None or receiver in known:
        return ""
    return (
        f"No delivery is stored for the receiver {receiver or NO_TEXT}. {did_you_mean(receiver, known)}"
        f"The receivers with deliveries are: {some_of(known)}."
    )
