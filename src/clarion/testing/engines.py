"""without_engines: keep background calls inside a test, in place of their engines."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clarion._core.loops import is_loop_running
from clarion.background import carrier
from clarion.background.databases import database_of
from clarion.background.hold import kept
from clarion.envelope import GoneError
from clarion.errors import RunningLoopError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Generator, Iterator

    from clarion.background import Call
    from clarion.outbox.delivery_row import Claim
    from clarion.worker.plan import Plan


@contextmanager
def without_engines() -> Generator[None]:
    """Keep the calls of background receivers in this process; no engine gets one.

    No broker is needed:

        with without_engines():
            order_paid.send(sender=Order, order_id=42)
            assert_enqueued(send_receipt, order_id=42)
            drain()
        assert len(mail.outbox) == 1

    Inside the block, a call is kept where its engine would get it: after the commit, or at once.
    `assert_enqueued` finds the calls that are kept, and `drain` makes them as a worker of the engine does.
    The block applies to all threads. Calls that are left at its end are
    discarded. Deliveries to `durable` receivers stay in their database, also with `via`.
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

    def make(self, counts: Counter[str], *, raises: bool, delayed: bool) -> bool:
        """Make what can be made now; return whether there was anything.

        Args:
            counts: counts what was done.
            raises: whether to raise what a receiver raises.
            delayed: whether to make the calls with a delay, and those that wait for a retry.
        """
        due = [each for each in self._waiting if delayed or not (each.is_retry or each.call.delay)]
        for each in due:
            try:
                counts[_made(each)] += 1
            except Exception as error:
                if raises:
                    error.add_note(f"A call of {each.call.receiver} was made by drain().")
                    raise
                if self._retries(each, error):
                    counts["retried"] += 1
                    continue
                counts["dead"] += 1
            self._waiting.remove(each)
        return bool(due)

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
        raise RunningLoopError(
            f"drain() cannot await {plan.shown} inside a running event loop. Call `await "
            f"asyncio.to_thread(drain)`, or in Django `await sync_to_async(drain)()`.",
            [plan.shown],
        )
    try:
        carrier.call(plan, claim, policy)
    except carrier.DuplicateError:
        return "skipped"
    except GoneError:
        if plan.options.missing != "skip":
            raise
        return "skipped"
    return "made"


def _arguments(plan: Plan, claim: Claim) -> dict[str, Any]:
    if b'"references":{}' in claim.payload:
        return plan.arguments(claim)
    database = database_of(plan.options)
    if not getattr(database, "loads_in_transaction", True):
        return plan.arguments(claim)
    with database.transaction() as transaction:
        return plan.arguments(claim, transaction.session)
