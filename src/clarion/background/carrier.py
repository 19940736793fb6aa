"""The carrier: the function that a worker of an engine calls, for every receiver.

An engine knows one task, whose argument is the body of a `Call`:

    @app.task(name="clarion.deliver", bind=True)
    def carry(task, body):
        try:
            deliver(body, attempt=task.request.retries + 1)
        except Exception as error:
            if (wait := retry_after(body, error, task.request.retries + 1)) is None:
                raise
            raise task.retry(countdown=wait, exc=error)

A body names its receiver. Nothing is imported by that name: it is compared with the names of the
receivers that this program has connected.
"""

from __future__ import annotations

import json
import logging
from contextvars import copy_context
from random import uniform
from typing import TYPE_CHECKING, Any

from clarion._core.loops import is_loop_running
from clarion._core.names import quoted_name
from clarion._core.tabled import policy_of
from clarion.background.call import read_body
from clarion.background.databases import database_of
from clarion.background.monitoring import name_task
from clarion.envelope import GoneError, NewerVersionError
from clarion.envelope.trace import HEADERS, is_traced
from clarion.errors import DecodingError, Reject, UnknownReceiverError
from clarion.outbox import inbox
from clarion.outbox.adapters import is_async_connection
from clarion.outbox.delivery_row import Claim
from clarion.outbox.receivers import find_receiver
from clarion.worker.backoff import named_wait
from clarion.worker.calls import Caller, LostError
from clarion.worker.plan import Plan

if TYPE_CHECKING:
    from clarion._core.policy import Policy
    from clarion.background.call import Message
    from clarion.outbox.database import Database, ReceiverTransaction

DEPLOY_RETRIES = 10
"""The least number of retries of a call that this program cannot make yet, because its receiver is
unknown or a newer program has sent it. The waits add up to ten minutes, so that a deployment loses
nothing."""

LONGEST_WAIT = 3600.0  # seconds
LONGEST_DEPLOY_WAIT = 120.0  # seconds

logger = logging.getLogger("clarion.background")


def deliver(body: str, attempt: int = 1) -> None:
    """Call the receiver of a background call, and wait for it, also if it is async.

    Args:
        body: what the engine was given as `Call.body`.
        attempt: the number of the attempt, beginning with 1.

    Raises:
        UnknownReceiverError: if this program has not connected the receiver.
        DecodingError: if the body or its payload is damaged.
        NewerVersionError: if a newer program has sent it.
        Exception: what the receiver raises, `Retry` and `Reject` included.
    """
    plan, claim, policy = prepared(body, attempt)
    name_task(plan.name)
    try:
        call(plan, claim, policy)
    except (DuplicateError, GoneError) as error:
        _skip(plan, error)


def call(plan: Plan, claim: Claim, policy: Policy) -> None:
    """Call the receiver of a prepared call, and wait for it.

    Raises:
        DuplicateError: if the call had its effect before.
        GoneError: if a row that it names is gone.
    """
    database = database_of(plan.options)
    caller = _Caller(database)
    if plan.is_async:
        run: Any = policy.run_coroutine
        if not is_loop_running():
            run = getattr(database, "run_coroutine", run)  # in a test, by the test's connection
        run(caller.acall(plan, claim, None))
    else:
        caller.call(plan, claim, None)


async def adeliver(body: str, attempt: int = 1) -> None:
    """Call the receiver of a background call, as `deliver`; a sync receiver in a thread."""
    plan, claim, policy = prepared(body, attempt)
    name_task(plan.name)
    try:
        await acall(plan, claim, policy)
    except (DuplicateError, GoneError) as error:
        _skip(plan, error)


async def acall(plan: Plan, claim: Claim, policy: Policy, database: Database | None = None) -> None:
    """Call the receiver of a prepared call, as `call`; a sync receiver in a thread.

    Args:
        plan: how it is called.
        claim: the call.
        policy: runs sync receivers.
        database: the database of the receiver; by default that of `database_of`.
    """
    database = database or database_of(plan.options)
    caller = _Caller(database)
    if plan.is_async:
        await caller.acall(plan, claim, None)
    else:
        # A test's own connection allows no other thread.
        run: Any = getattr(database, "acall_sync", policy.run_in_thread)
        await run(lambda: caller.call(plan, claim, None))


def retry_after(body: str, error: BaseException, attempt: int) -> float | None:
    """Return how long to wait before the next attempt of a call that has failed.

    The wait is random, up to a limit that doubles with each failure, from a second to an hour.
    `Retry(after=...)` names another wait. If this program cannot make the call yet, the engine waits up
    to two minutes, ten times at least.

    Args:
        body: what the engine was given as `Call.body`.
        error: what `deliver` raised.
        attempt: the number of the attempt that has failed.

    Returns:
        The seconds; None if the call is given up.
    """
    retries = _retries_of(body)
    if retries is None or isinstance(error, Reject):
        return None
    if isinstance(error, (UnknownReceiverError, NewerVersionError)):
        is_over = attempt > max(retries, DEPLOY_RETRIES)
        return None if is_over else min(LONGEST_DEPLOY_WAIT, 2.0**attempt)
    if attempt > retries:
        return None
    if (named := named_wait(error)) is not None:
        return named
    return uniform(0.0, min(LONGEST_WAIT, 2.0 ** min(attempt - 1, 40)))  # noqa: S311  # no secret


def _retries_of(body: str) -> int | None:
    """Return how often a call is tried again; None if its body is damaged."""
    try:
        return read_body(body).retries or 0
    except NewerVersionError:
        return 0
    except DecodingError:
        return None


class DuplicateError(LostError):
    """The receiver was called for this send before."""


class _Caller(Caller):
    """Calls receivers in the context of the engine's task, so that its instrumentation sees them."""

    def settle(
        self,
        transaction: ReceiverTransaction,
        plan: Plan,
        claim: Claim,
        partition: Any,  # noqa: ARG002
    ) -> None:
        """Record the call in the receiver's transaction.

        Raises:
            DuplicateError: if it was recorded before.
        """
        connection: Any = transaction.connection
        if not inbox.receive(connection, plan.name, claim.uid):
            raise DuplicateError

    async def asettle(
        self, transaction: ReceiverTransaction, plan: Plan, claim: Claim, partition: Any
    ) -> None:
        """Record the call in the transaction of an async receiver, as `settle`."""
        connection: Any = transaction.connection
        if not is_async_connection(connection):
            self.settle(transaction, plan, claim, partition)
        elif not await inbox.areceive(connection, plan.name, claim.uid):
            raise DuplicateError

    def call(self, plan: Plan, claim: Claim, partition: Any, note_end: Any = None) -> bool:
        """Call a sync receiver; what it sets in the context does not reach the next one."""
        return copy_context().run(self._call_with_headers, plan, claim, partition, note_end)


def prepared(body: str, attempt: int) -> tuple[Plan, Claim, Policy]:
    """Return the plan, the claim and the policy of a body's call; raise as `deliver`."""
    message = read_body(body)
    signal = message.envelope.signal
    receiver = find_receiver(message.receiver, signal)
    registration = None if receiver is None else receiver.registration()
    of_signal = None if receiver is None else receiver.signal
    if receiver is None or registration is None or of_signal is None:
        raise _unknown(message)
    provided = database_of(receiver.options).provides
    plan = Plan(receiver, registration, of_signal, provided, hands_over=False)
    return plan, _claim_of(message, attempt), policy_of(of_signal)


def _unknown(message: Message) -> UnknownReceiverError:
    signal = message.envelope.signal
    return UnknownReceiverError(
        f"This program has not connected the receiver {quoted_name(message.receiver)} to the signal "
        f"{quoted_name(signal)}. Import its module in the worker, or name it in aliases= of the receiver "
        f"that replaces it.",
        message.receiver,
        signal,
    )


def _claim_of(message: Message, attempt: int) -> Claim:
    """Return a call in the form that the worker of the outbox uses."""
    envelope = message.envelope
    headers = envelope.headers
    if is_traced():
        # The instrumentation of the engine continues the trace by itself.
        headers = {name: value for name, value in headers.items() if name not in HEADERS}
    return Claim(
        0,
        attempt,
        attempt - 1,
        None,
        envelope.uid.hex,
        envelope.signal,
        envelope.version,
        envelope.payload,
        json.dumps(headers),
        int(envelope.created_at.timestamp() * 1000),
    )


def _skip(plan: Plan, error: DuplicateError | GoneError) -> None:
    """Log that a call ends without its receiver: it is a duplicate, or a row that it names is gone.

    Raises:
        GoneError: if the delivery does not skip it.
    """
    if isinstance(error, DuplicateError):
        logger.info("A call of %s is skipped, because it has had its effect already", plan.shown)
        return
    if plan.options.missing != "skip":
        raise error
    logger.info("A call of %s is skipped: %s", plan.shown, error)
