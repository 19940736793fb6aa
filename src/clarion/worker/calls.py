"""One call of a receiver by a worker, in the transaction that it needs."""

from __future__ import annotations

from contextlib import nullcontext
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any

from clarion._core.instrument import watched
from clarion._core.usable import check_response
from clarion.envelope import restored_headers
from clarion.envelope.codec import has_references
from clarion.errors import BoundaryError
from clarion.outbox import async_store, store
from clarion.outbox.adapters import is_async_connection
from clarion.worker.ending import aabandonable, abandonable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clarion.outbox.database import Database, ReceiverTransaction
    from clarion.outbox.delivery_row import Claim, Lease
    from clarion.worker.ending import End
    from clarion.worker.plan import Plan

    NoteEnd = Callable[[End | None], object]


class LostError(Exception):
    """The delivery is settled, or another worker has it, so this one must not make it."""


class Caller:
    """Calls receivers with the arguments of their deliveries.

    Args:
        database: the database of the worker.

    Attributes:
        serving_thread: returns a context manager that a thread enters while it calls receivers.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # Not every database has sessions that load the objects of a payload.
        self._loads_in_transaction: bool = getattr(database, "loads_in_transaction", True)
        # A framework may keep a connection for each thread or task, and must close it.
        self.serving_thread: Any = getattr(database, "serving_thread", nullcontext)
        self._serving_task: Any = getattr(database, "serving_task", nullcontext)
        self._end_call: Callable[[], object] = getattr(database, "end_call", bool)
        self._end_failed_call: Callable[[], object] = getattr(database, "end_failed_call", bool)
        # The sessions of an async engine need an event loop, also for a sync receiver.
        self._call_sync: Callable[[Callable[[], bool]], bool] | None
        self._call_sync = getattr(database, "call_sync", None)

    def call(
        self, plan: Plan, claim: Claim, partition: Lease | None, note_end: NoteEnd | None = None
    ) -> bool:
        """Call a sync receiver; return whether the call has settled the delivery.

        Args:
            plan: how it is called.
            claim: the delivery.
            partition: the partition of a delivery with a key.
            note_end: called with an object that can end the receiver's transaction from another
                thread.

        Raises:
            LostError: if another worker has the delivery, or the receiver was disconnected.
        """
        if plan.via is not None:
            plan.via.hand_over(plan.name, claim)
            return False
        # A context of its own: what a receiver sets does not reach the next one.
        call = self._call if claim.headers == "{}" else self._call_with_headers
        return Context().run(call, plan, claim, partition, note_end)

    def _call_with_headers(
        self, plan: Plan, claim: Claim, partition: Lease | None, note_end: NoteEnd | None
    ) -> bool:
        with restored_headers(claim.read_headers()):
            return self._call(plan, claim, partition, note_end)

    def _call(
        self, plan: Plan, claim: Claim, partition: Lease | None, note_end: NoteEnd | None
    ) -> bool:
        if not self._needs_transaction(plan, claim):
            try:
                check_response(plan.receiver(), _live(plan)(**plan.arguments(claim)))
            except BaseException:
                self._end_failed_call()
                raise
            self._end_call()
            return False
        if self._call_sync is None:
            return self._call_in_transaction(plan, claim, partition, note_end)
        return self._call_sync(partial(self._call_in_transaction, plan, claim, partition, note_end))

    def _call_in_transaction(
        self, plan: Plan, claim: Claim, partition: Lease | None, note_end: NoteEnd | None
    ) -> bool:
        with (
            self._database.transaction() as transaction,
            abandonable(self._database, transaction.connection, note_end),
        ):
            if plan.is_same_database:
                self.settle(transaction, plan, claim, partition)
            arguments = plan.arguments(claim, transaction.session, transaction.provided)
            check_response(plan.receiver(), _live(plan)(**arguments))
            if plan.is_same_database:
                if self._has_ended(transaction, plan, claim, partition):
                    raise _ended(plan)
            elif _is_aborted(transaction):
                raise _aborted(plan)
        return plan.is_same_database

    async def acall(
        self, plan: Plan, claim: Claim, partition: Lease | None, note_end: NoteEnd | None = None
    ) -> bool:
        """Await an async receiver, as `call`, in a task of its own."""
        with restored_headers(claim.read_headers()):
            if not self._needs_transaction(plan, claim):
                async with self._serving_task():
                    check_response(plan.receiver(), await _live(plan)(**plan.arguments(claim)))
                return False
            async with (
                self._database.atransaction() as transaction,
                aabandonable(self._database, transaction.connection, note_end),
            ):
                if plan.is_same_database:
                    await self.asettle(transaction, plan, claim, partition)
                load = partial(plan.arguments, claim, transaction.session, transaction.provided)
                run_sync = transaction.run_sync
                arguments = load() if run_sync is None else await run_sync(load)
                check_response(plan.receiver(), await _live(plan)(**arguments))
                if plan.is_same_database:
                    if await self._ahas_ended(transaction, plan, claim, partition):
                        raise _ended(plan)
                elif await _ais_aborted(transaction):
                    raise _aborted(plan)
            return plan.is_same_database

    def settle(
        self,
        transaction: ReceiverTransaction,
        plan: Plan,  # noqa: ARG002  # for subclasses
        claim: Claim,
        partition: Lease | None,
    ) -> None:
        """Settle a delivery in the transaction of its receiver.

        Raises:
            LostError: if another worker has the delivery.
        """
        _settle(transaction, claim, partition)

    async def asettle(
        self,
        transaction: ReceiverTransaction,
        plan: Plan,  # noqa: ARG002  # as in `settle`
        claim: Claim,
        partition: Lease | None,
    ) -> None:
        """Settle a delivery in the transaction of its async receiver, as `settle`."""
        await _asettle(transaction, claim, partition)

    def _has_ended(
        self,
        transaction: ReceiverTransaction,
        plan: Plan,
        claim: Claim,
        partition: Lease | None,
    ) -> bool:
        """Return whether a receiver has ended the transaction in which its delivery is settled."""
        ended: bool | None = getattr(transaction.connection, "has_ended", bool)()
        if ended is not None:
            return ended
        # The driver does not know. After a rollback the delivery could be settled once more.
        try:
            self.settle(transaction, plan, claim, partition)
        except LostError:
            return False
        return True

    async def _ahas_ended(
        self,
        transaction: ReceiverTransaction,
        plan: Plan,
        claim: Claim,
        partition: Lease | None,
    ) -> bool:
        asks: Any = getattr(transaction.connection, "ahas_ended", None)
        ask: Any = getattr(transaction.connection, "has_ended", bool)
        ended: bool | None = ask() if asks is None else await asks()
        if ended is not None:
            return ended
        try:
            await self.asettle(transaction, plan, claim, partition)
        except LostError:
            return False
        return True

    def _needs_transaction(self, plan: Plan, claim: Claim) -> bool:
        return plan.needs_transaction or (
            self._loads_in_transaction and has_references(claim.payload)
        )


def _live(plan: Plan) -> Any:
    receiver = plan.receiver()
    if receiver is None:
        raise LostError  # it was disconnected meanwhile
    return watched(plan.signal, plan.registration, receiver)


def _ended(plan: Plan) -> BoundaryError:
    return BoundaryError(
        f"{plan.shown} has ended the transaction of its delivery, or has left a block in it open, or the "
        f"database has aborted it after an error. Leave its end to the worker, and let errors of the database "
        f"leave the receiver."
    )


def _is_aborted(transaction: ReceiverTransaction) -> bool:
    # A receiver that writes to other places, too, may end the transaction itself.
    asks: Callable[[], bool] = getattr(transaction.connection, "is_aborted", bool)
    return asks()


async def _ais_aborted(transaction: ReceiverTransaction) -> bool:
    asks: Callable[[], Awaitable[bool]] | None
    asks = getattr(transaction.connection, "ais_aborted", None)
    return _is_aborted(transaction) if asks is None else await asks()


def _aborted(plan: Plan) -> BoundaryError:
    return BoundaryError(
        f"{plan.shown} has passed an error after which the database commits nothing of the transaction. Let "
        f"errors of the database leave the receiver, or write in a savepoint."
    )


def _settle(transaction: ReceiverTransaction, claim: Claim, partition: Lease | None) -> None:
    connection: Any = transaction.connection
    if partition is not None and not store.hold_partition(connection, partition):
        raise LostError
    if not store.settle(connection, [claim]):
        raise LostError
    if partition is not None and claim.attempt and claim.key is not None:
        store.unblock(connection, partition.receiver, claim.key)


async def _asettle(transaction: ReceiverTransaction, claim: Claim, partition: Lease | None) -> None:
    connection: Any = transaction.connection
    if not is_async_connection(connection):
        _settle(transaction, claim, partition)
        return
    if partition is not None and not await async_store.ahold_partition(connection, partition):
        raise LostError
    if not await async_store.asettle(connection, [claim]):
        raise LostError
    if partition is not None and claim.attempt and claim.key is not None:
        await async_store.aunblock(connection, partition.receiver, claim.key)
