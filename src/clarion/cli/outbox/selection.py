"""The dead deliveries that a command changes: by id, of a receiver, or all."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from clarion._core.names import counted
from clarion.cli.failures import CommandError
from clarion.cli.output import console
from clarion.outbox import store
from clarion.worker.connections import in_transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.outbox.connection import Connection, WorkerConnection

BATCH = 100  # deliveries in one transaction


class Selection:
    """Dead deliveries that a user has selected.

    Args:
        ids: their ids; None or empty if they are selected otherwise.
        receiver: the name of a receiver, for all of its deliveries.
        is_all: whether all are selected.

    Raises:
        CommandError: if not exactly one of the three is given.
    """

    def __init__(self, ids: list[int] | None, receiver: str | None, *, is_all: bool) -> None:
        if [bool(ids), receiver is not None, is_all].count(True) != 1:
            raise CommandError("Name what you mean: one or more ids, --receiver NAME, or --all.")
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
        self, connection: WorkerConnection, function: Callable[[Connection, int], None]
    ) -> list[int]:
        """Call a function for each delivery, in transactions, and return the ids.

        All ids that a user has listed are changed, or none. Others are changed in batches, so that
        the workers wait for a short time only.

        Args:
            connection: the connection.
            function: requeues or discards one delivery.

        Raises:
            ArgumentError: if an id is not that of a dead delivery.
        """
        if self.ids:
            return in_transaction(connection, lambda open_: _each(open_, self.ids, function))
        done: list[int] = []
        with console(sys.stderr).status("") as status:
            # A delivery may fail again before the command ends, so each is taken once.
            while batch := in_transaction(
                connection, partial(self._batch, function=function, after=max(done, default=0))
            ):
                done += batch
                status.update(counted(len(done), "delivery", "deliveries"))
        return done

    def _batch(
        self, connection: Connection, function: Callable[[Connection, int], None], after: int
    ) -> list[int]:
        found = store.list_dead(connection, receiver=self._receiver, limit=BATCH, after=after)
        return _each(connection, [each.id for each in found], function)


def _each(
    connection: Connection, ids: list[int], function: Callable[[Connection, int], None]
) -> list[int]:
    for each in ids:
        function(connection, each)
    return ids
