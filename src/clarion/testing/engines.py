"""without_engines: keep background calls inside a test, in place of their engines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from clarion._core.loops import is_loop_running
from clarion.background import carrier
from clarion.background.databases import adatabase_of, database_of
from clarion.background.hold import kept
from clarion.envelope import GoneError
from clarion.envelope.codec import has_references
from clarion.errors import BoundaryError, DecodingError, RunningLoopError
from clarion.testing.blocks import block

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Generator, Hashable, Iterator
    from typing import TypeAlias

    from clarion.background import Call
    from clarion.outbox.database import Database
    from clarion.outbox.delivery_row import Claim
    from clarion.worker.plan import Plan

    Errors: TypeAlias = dict[Hashable, Exception]  # by what has failed


@block
def without_engines() -> Generator[None]:
    """Keep the calls of background receivers in this process; no engine gets one.

    No broker is needed:

        with without_engines():
            order_paid.send(sender=Order, order_id=42)
            assert_enqueued(send_receipt, order_id=42)
            drain()
        assert len(mail.outbox) == 1

    Inside the block, a call is kept when its engine would get it: after the commit, or at once.
    `assert_enqueued` finds the calls that are kept, and `drain` makes them as a worker of the engine does.
    The block applies to all threads. Calls that are left at its end are
    discarded. Deliveries to `durable` receivers stay in their database, also with `via`. It is also a
    decorator of functions.
    """
    calls = KeptCalls()
    _open.append(calls)
    try:
        with kept(calls.add):
            yield
    finally:
        _open.remove(calls)


def kept_calls() -> KeptCalls | None:
    """Return the calls that the innermost block keeps; None outside such a block."""
    return _open[-1] if _open else None


@dataclass(eq=False, slots=True)
class _Kept:
    call: Call
    attempt: int = 1
    is_retry: bool = False


class KeptCalls:
    """Calls that no engine gets, in the order in which the engines would have got them."""

    def __init__(self) -> None:
        self._waiting: list[_Kept] = []

    def add(self, call: Call) -> None:
        """Keep one more call."""
        self._waiting.append(_Kept(call))

    def arguments(self, names: set[str]) -> Iterator[tuple[str | None, dict[str, Any]]]:
        """Yield the key and the arguments of each call to a receiver of these names."""
        for each in self._waiting:
            if each.call.receiver in names:
                plan, claim, _ = carrier.prepared(each.call.body, each.attempt)
                yield each.call.key, _arguments(plan, claim)

    def make(self, counts: Counter[str], errors: Errors | None, *, delayed: bool) -> bool:
        """Make the calls that are ready; return whether there were any.

        Args:
            counts: the counters of the outcomes.
            errors: gets the errors of receivers, whose calls are not made again; None to retry them.
            delayed: whether to make the calls with a delay, and those that wait for a retry.
        """
        ready = self._ready(errors, delayed=delayed)
        for each in ready:
            try:
                self._end(each, counts, _made(each))
            except CannotAwaitError:
                raise  # it is not a failure of the receiver
            except Exception as error:  # noqa: BLE001  # raised again, or counted
                self._fail(each, counts, error, errors)
        return bool(ready)

    async def amake(self, counts: Counter[str], errors: Errors | None, *, delayed: bool) -> bool:
        """Make the calls as `make` does, and await async receivers."""
        ready = self._ready(errors, delayed=delayed)
        for each in ready:
            try:
                self._end(each, counts, await _amade(each))
            except Exception as error:  # noqa: BLE001  # raised again, or counted
                self._fail(each, counts, error, errors)
        return bool(ready)

    def _ready(self, errors: Errors | None, *, delayed: bool) -> list[_Kept]:
        return [
            each
            for each in self._waiting
            if (delayed or not (each.is_retry or each.call.delay)) and each not in (errors or ())
        ]

    def _end(self, each: _Kept, counts: Counter[str], outcome: str) -> None:
        counts[outcome] += 1
        self._waiting.remove(each)

    def _fail(
        self, each: _Kept, counts: Counter[str], error: Exception, errors: Errors | None
    ) -> None:
        """Note the error of a receiver, or keep the call for a retry, or give it up."""
        if errors is not None:
            error.add_note(f"A call of {each.call.receiver} was made by drain().")
            errors[each] = error
        elif self._retries(each, error):
            counts["retried"] += 1
        else:
            self._end(each, counts, "dead")

    def _retries(self, each: _Kept, error: Exception) -> bool:
        if carrier.retry_after(each.call.body, error, each.attempt) is None:
            return False
        each.attempt += 1
        each.is_retry = True
        return True


_open: list[KeptCalls] = []


def _made(each: _Kept) -> str:
    plan, claim, policy = carrier.prepared(each.call.body, each.attempt)
    if plan.is_async and is_loop_running():
        raise CannotAwaitError(plan)
    try:
        carrier.call(plan, claim, policy)
    except (carrier.DuplicateError, GoneError) as error:
        return _skipped(plan, error)
    return "made"


async def _amade(each: _Kept) -> str:
    plan, claim, policy = carrier.prepared(each.call.body, each.attempt)
    try:
        await carrier.acall(plan, claim, policy, await adatabase_of(plan.options))
    except (carrier.DuplicateError, GoneError) as error:
        return _skipped(plan, error)
    return "made"


def _skipped(plan: Plan, error: Exception) -> str:
    if isinstance(error, GoneError) and plan.options.missing != "skip":
        raise error
    return "skipped"


class CannotAwaitError(RunningLoopError):
    """`drain` would have to await a receiver inside a running event loop."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(
            f"drain() cannot await {plan.shown} inside a running event loop. Call `await adrain()`.",
            [plan.shown],
        )


def loaded_arguments(database: Database, plan: Plan, claim: Claim) -> dict[str, Any]:
    """Return the arguments of a delivery, with the rows of a database to which its payload refers."""
    read = partial(_loaded, database, plan, claim)
    # The session of an async engine needs an event loop.
    call_sync: Any = getattr(database, "call_sync", None)
    found: dict[str, Any] = read() if call_sync is None else call_sync(read)
    return found


def _loaded(database: Database, plan: Plan, claim: Claim) -> dict[str, Any]:
    with database.transaction() as transaction:
        arguments = plan.arguments(claim, transaction.session)
        if hasattr(transaction.session, "expunge_all"):
            # The end of the transaction would expire the instances that were loaded.
            transaction.session.expunge_all()
        return arguments


def _arguments(plan: Plan, claim: Claim) -> dict[str, Any]:
    """Return the arguments of a call that is kept.

    Raises:
        BoundaryError: if its payload refers to rows, and no database is found.
    """
    if not has_references(claim.payload):
        return plan.arguments(claim)
    database = database_of(plan.options)
    if getattr(database, "loads_in_transaction", True):
        return loaded_arguments(database, plan, claim)
    try:
        return plan.arguments(claim)
    except DecodingError as error:
        raise no_database("assert_enqueued") from error


def no_database(caller: str) -> BoundaryError:
    """Return the error of a test function that has found no database.

    Args:
        caller: the name of the function.
    """
    awaited = (
        f" With an AsyncSession on the test's connection, call it by `await session.run_sync(lambda _: "
        f"{caller}(...))`."
    )
    return BoundaryError(
        f"{caller}() found no database with an outbox. Call it inside `with bound(session):` with the "
        f"test's session of SQLAlchemy, or where Django's database is in use, or name a database with "
        f"clarion.outbox.use_database().{awaited if is_loop_running() and caller != 'adrain' else ''}"
    )
