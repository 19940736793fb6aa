"""drain: make the stored deliveries inside a test, in its own thread and transaction."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from clarion._core.loops import is_loop_running, run_in_thread
from clarion.commit.boundary import has_active_boundary
from clarion.commit.providers import providers
from clarion.outbox import store
from clarion.outbox.default import default_writer
from clarion.outbox.receivers import connected_receivers
from clarion.testing.engines import CannotAwaitError, kept_calls, no_database
from clarion.worker import failures
from clarion.worker.calls import Caller
from clarion.worker.connections import in_transaction
from clarion.worker.plans import Plans

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.database import Database
    from clarion.outbox.delivery_row import Claim, Lease
    from clarion.testing.engines import Errors
    from clarion.worker.plan import Plan

_LIMIT = 1000
_LEASE = 3_600_000  # milliseconds: longer than a person looks at a debugger


def drain(*databases: Database, raises: bool = True, delayed: bool = False) -> Counter[str]:
    """Make every stored delivery that can be made now, in this thread.

        order_paid.send(sender=Order, order_id=42)
        drain()
        assert len(mail.outbox) == 1

    Receivers are called as by a worker, from the stored payload. Inside Django's `TestCase` they use the
    test's own connection, so they see the rows of its transaction, and a rollback undoes theirs.
    Receivers with `via` are called here too, without their engine, and the calls that `without_engines`
    keeps are made.
    Deliveries that receivers cause are made too. Those that wait for a retry stay, and so do
    those with a delay, unless `delayed` is true.

    Args:
        *databases: the databases; by default the databases of Django that this thread uses, those of
            the sessions of SQLAlchemy that are bound to this context, and the one of
            `clarion.outbox.use_database`.
        raises: whether to raise what a receiver raises, after all others were called. If not, a failed
            delivery waits for its retry, or dies, as by a worker.
        delayed: whether to make the deliveries with a delay too, as if their time had come.

    Returns:
        How many deliveries were "made", "skipped", "retried", "dead" and "postponed".

    Raises:
        BoundaryError: if no database with an outbox is found, or an open transaction of this context
            keeps others from writing to a SQLite database.
        RunningLoopError: if a receiver is async, and an event loop runs in this thread. Use `adrain`.
    """
    found = databases or outbox_databases()
    if kept_calls() is None or _is_left_out():
        check_found(found, "drain")
    return make_all(found, raises=raises, delayed=delayed)


async def adrain(*databases: Database, raises: bool = True, delayed: bool = False) -> Counter[str]:
    """Make every stored delivery that can be made now, in an async test.

        await order_paid.asend(sender=Order, order_id=42)
        await adrain()

    It is `drain` for a coroutine: async receivers are awaited in the event loop of the test, and sync
    ones are called in a thread. An `AsyncSession` that has joined the connection of a test has its
    deliveries made on that connection, and its receivers get sessions that join it too.

    Args:
        *databases: the databases, as of `drain`.
        raises: whether to raise what a receiver raises.
        delayed: whether to make the deliveries with a delay too.

    Returns:
        The counts, as `drain`.

    Raises:
        BoundaryError: if no database with an outbox is found.
    """
    found = databases or await aoutbox_databases()
    if kept_calls() is None:
        check_found(found, "adrain")
    return await amake_all(found, raises=raises, delayed=delayed)


def _is_left_out() -> bool:
    """Return whether a session may be bound whose deliveries only a coroutine can make."""
    return is_loop_running() and has_active_boundary() and bool(connected_receivers())


def check_found(databases: Sequence[Database], caller: str) -> None:
    """Refuse to go on without a database.

    Args:
        databases: the databases that were given or found.
        caller: the name of the function that looked for them.

    Raises:
        BoundaryError: if no database was given or found.
    """
    if not databases:
        raise no_database(caller)


def make_all(
    databases: Sequence[Database], *, raises: bool = True, delayed: bool = False
) -> Counter[str]:
    """Make the deliveries of these databases, and the calls that are kept from engines, as `drain`."""
    counts: Counter[str] = Counter()
    errors: Errors | None = {} if raises else None
    drains = [Drain(each, counts, errors, delayed=delayed) for each in databases]
    kept = kept_calls()
    is_going_on = True
    while is_going_on:
        is_going_on = any([each.step() for each in drains])  # noqa: C419  # each of them
        if kept is not None:
            is_going_on |= kept.make(counts, errors, delayed=delayed)
    _raise_first(errors)
    return counts


async def amake_all(
    databases: Sequence[Database], *, raises: bool = True, delayed: bool = False
) -> Counter[str]:
    """Make the same in a coroutine, as `adrain`."""
    counts: Counter[str] = Counter()
    errors: Errors | None = {} if raises else None
    loop = asyncio.get_running_loop()
    drains = [Drain(each, counts, errors, delayed=delayed, loop=loop) for each in databases]
    kept = kept_calls()
    is_going_on = True
    while is_going_on:
        is_going_on = any([await each.astep() for each in drains])  # each of them
        if kept is not None:
            is_going_on |= await kept.amake(counts, errors, delayed=delayed)
    _raise_first(errors)
    return counts


def _raise_first(errors: Errors | None) -> None:
    """Raise the first error of a receiver, with a note about each other one."""
    if errors:
        first, *others = errors.values()
        for each in others:
            first.add_note(f"Another receiver has raised {type(each).__name__}, too.")
        try:
            raise first
        finally:
            del first, others  # the traceback holds this frame


def outbox_databases() -> list[Database]:
    """Return the databases to which code in this context stores its deliveries."""
    found: list[Database] = [
        each for provider in providers() for each in provider.outbox_databases()
    ]
    writer = default_writer()
    return found if writer is None else [*found, writer.database]


async def aoutbox_databases() -> list[Database]:
    """Return the same for a coroutine."""
    found: list[Database] = []
    for provider in providers():
        found += await provider.aoutbox_databases()
    writer = default_writer()
    return found if writer is None else [*found, writer.database]


class Drain:
    """Makes the deliveries of one database.

    Args:
        database: the database.
        counts: counts what was done.
        errors: gets what receivers raise, and their deliveries stay as they are; None to retry them.
        delayed: whether to make the deliveries with a delay.
        loop: the event loop of an async test, in which async receivers are awaited.
    """

    def __init__(
        self,
        database: Database,
        counts: Counter[str],
        errors: Errors | None,
        *,
        delayed: bool,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._database = database
        self._counts = counts
        self._errors = errors
        self._delayed = delayed
        self._loop = loop
        # A test needs no engine: its receivers are called here.
        self._plans = Plans(database, hands_over=False)
        self._caller = Caller(database)

    async def astep(self) -> bool:
        """Make what can be made now, as `step`, beside the running event loop."""
        call: Any = getattr(self._database, "acall_sync", run_in_thread)
        has_made: bool = await call(self.step)
        return has_made

    def step(self) -> bool:
        """Make what can be made now; return whether there was anything."""
        names = list(self._plans.receivers())
        if not names:
            return False
        check: Any = getattr(self._database, "check_unlocked", None)
        if check is not None:
            check()
        connection = self._database.connect()
        try:
            in_transaction(connection, lambda taken: store.add_partitions(taken, names))
            if self._delayed:
                in_transaction(connection, lambda taken: store.hasten(taken, names))
            due = store.due_receivers(connection, names)
            parts = store.due_partitions(connection, names)
            return any(
                [self._make_receiver(connection, name) for name in due]
                + [self._make_partition(connection, *part) for part in parts]
            )
        finally:
            connection.close()

    def _make_receiver(self, connection: WorkerConnection, name: str) -> bool:
        claims = in_transaction(connection, lambda taken: store.claim(taken, name, _LIMIT, _LEASE))
        left = {claim.id: claim for claim in claims}
        new = [each for each in claims if not self._has_failed(each)]
        try:
            for claim in new:
                self._make(connection, name, claim, None)
                if not self._has_failed(claim):
                    del left[claim.id]
        finally:
            if left:
                in_transaction(connection, lambda taken: store.hand_back(taken, [*left.values()]))
        return bool(new)

    def _make_partition(self, connection: WorkerConnection, name: str, part: int) -> bool:
        held = in_transaction(
            connection, lambda taken: store.lease_partition(taken, name, part, _LEASE)
        )
        if held is None:
            return False
        stopped: set[str | None] = set()
        try:
            claims = store.window(connection, held, _LIMIT)
            was_called = False
            for claim in claims:
                if claim.key in stopped:
                    continue
                is_called = not self._has_failed(claim)
                was_called |= is_called
                if not is_called or not self._make(connection, name, claim, held):
                    stopped.add(claim.key)
            return was_called
        finally:
            store.release_partition(connection, held)

    def _make(
        self, connection: WorkerConnection, name: str, claim: Claim, held: Lease | None
    ) -> bool:
        """Make one delivery, and settle it; return whether it was made."""
        plan = None
        try:
            plan = self._plans.plan_for(name, claim.signal)
            self._check_loop(plan)
            is_settled = self._call(plan, claim, held)
        except CannotAwaitError:
            raise  # it is not a failure of the receiver
        except Exception as error:  # noqa: BLE001  # raised at the end, or recorded
            if not failures.is_skipped(plan, error):
                if self._errors is not None:
                    error.add_note(f"A stored delivery to {name} was made by drain().")
                    self._errors[id(self._database), claim.id] = error
                    return False
                self._record(connection, name, plan, claim, error)
                return False
            is_settled = False
            self._counts["skipped"] += 1
        else:
            self._counts["made"] += 1
        if not is_settled:
            in_transaction(connection, lambda taken: self._settle(taken, claim, held))
        return True

    def _has_failed(self, claim: Claim) -> bool:
        return (id(self._database), claim.id) in (self._errors or ())

    def _call(self, plan: Any, claim: Claim, held: Lease | None) -> bool:
        if not plan.is_async:
            return self._caller.call(plan, claim, held)
        run: Any = getattr(self._database, "run_coroutine", self._run)
        is_settled: bool = run(self._caller.acall(plan, claim, held))
        return is_settled

    def _check_loop(self, plan: Plan) -> None:
        can_await: Any = getattr(self._database, "can_await", bool)
        if plan.is_async and is_loop_running() and not can_await():
            raise CannotAwaitError(plan)

    def _run(self, coroutine: Coroutine[Any, Any, bool]) -> bool:
        if self._loop is None:
            return asyncio.run(coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _record(
        self, connection: WorkerConnection, name: str, plan: Any, claim: Claim, error: Exception
    ) -> None:
        def record(text: str) -> str:
            return in_transaction(
                connection, lambda taken: failures.record(taken, name, plan, claim, error, text)
            )

        self._counts[failures.with_text(error, record)] += 1

    def _settle(self, connection: WorkerConnection, claim: Claim, held: Lease | None) -> None:
        store.settle(connection, [claim])
        if held is not None and claim.key is not None:
            store.unblock(connection, held.receiver, claim.key)
