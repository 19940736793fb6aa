"""Retry, postpone or bury a delivery whose receiver has raised."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

from clarion._core.commands import command_line
from clarion._core.names import counted
from clarion.envelope import GoneError, NewerVersionError
from clarion.errors import DecodingError, Reject
from clarion.outbox import store
from clarion.outbox.notes import note_cure, sql_state
from clarion.outbox.receivers import connected_receivers
from clarion.worker.backoff import delay_after
from clarion.worker.traces import below_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from clarion.outbox.connection import WorkerConnection
    from clarion.outbox.delivery_row import Claim
    from clarion.worker.plan import Plan

    T = TypeVar("T")

LONGEST_ERROR = 20_000  # characters
NEWER_DELAY = 60_000  # milliseconds
LONGEST_VIA_DELAY = 60_000  # milliseconds, so that an engine that works again soon gets what waits

_UNTRANSLATABLE = "22P05"  # PostgreSQL: the encoding of the database lacks a character

logger = logging.getLogger("clarion.worker")


class UnknownSignalError(LookupError):
    """The receiver is connected, but not to the signal of the delivery."""


class LostEventError(LookupError):
    """Only the row of the delivery is left, so nothing can be delivered."""

    def __init__(self) -> None:
        super().__init__(
            "The event of this delivery was deleted from the table clarion_event, so what was sent is lost. "
            f"Discard the delivery, and remove events with `{command_line('outbox prune')}` only."
        )


class WorkerEndedError(Exception):
    """A worker ended while it made a delivery and nothing else."""

    def __init__(self) -> None:
        super().__init__(
            "The worker ended while this receiver ran, and nothing else ran in it. The receiver may have called "
            "os._exit(), crashed in C or used up the memory, or the worker was stopped for longer than its lease."
        )


class NotAloneError(Exception):
    """Other receivers of the worker did not end, so a delivery could not be made alone.

    Args:
        seconds: how long the delivery waits.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "it must be made alone, and other receivers of this worker did not end in time"
        )
        self.seconds = seconds


def is_skipped(plan: Plan | None, error: BaseException) -> bool:
    """Return whether a delivery ends without a call, because a row that it names is gone."""
    return plan is not None and isinstance(error, GoneError) and plan.options.missing == "skip"


def _waits(plan: Plan, error: BaseException) -> bool:
    """Return whether a delivery is retried without a limit, because its engine is unreachable."""
    return plan.via is not None and not isinstance(error, (DecodingError, WorkerEndedError))


def record(
    connection: WorkerConnection,
    receiver: str,
    plan: Plan | None,
    claim: Claim,
    error: BaseException,
    text: str,
) -> str:
    """Store what happens next to a delivery that has failed, in a transaction of the worker.

    Args:
        connection: the connection, in a transaction.
        receiver: the name of the receiver in the row.
        plan: how the receiver is called; None if it is not connected.
        claim: the delivery.
        error: what was raised.
        text: its traceback, from `error_text`.

    Returns:
        "postponed", "retried", "dead", or "lost" if another worker has the delivery.
    """
    if isinstance(error, LostEventError):
        return _give_up(connection, receiver, claim, error, text, block=_blocks(receiver))
    if plan is None or isinstance(error, (NewerVersionError, UnknownSignalError, NotAloneError)):
        logger.warning("Delivery %s of %s waits: %s", claim.id, receiver, error)
        delay = int(error.seconds * 1000) if isinstance(error, NotAloneError) else NEWER_DELAY
        kept = store.postpone(connection, receiver, claim, delay)
        return "postponed" if kept else "lost"
    failures = claim.failures + 1
    if isinstance(error, Reject) or (failures > plan.options.retries and not _waits(plan, error)):
        return _give_up(
            connection, receiver, claim, error, text, block=plan.options.dead == "block"
        )
    delay = delay_after(plan.options, failures, error)
    if _waits(plan, error):
        delay = min(delay, LONGEST_VIA_DELAY)
    if not store.retry(connection, receiver, claim, delay, text):
        return "lost"
    logger.warning(
        "Delivery %s of %s failed. Failures so far: %s. It is tried again in %.1f s.",
        claim.id,
        receiver,
        failures,
        delay / 1000,
        exc_info=(type(error), error, below_worker(error.__traceback__)),
    )
    return "retried"


def _give_up(
    connection: WorkerConnection,
    receiver: str,
    claim: Claim,
    error: BaseException,
    text: str,
    *,
    block: bool,
) -> str:
    if not store.bury(connection, receiver, claim, text, block=block):
        return "lost"
    logger.error(
        "Delivery %s of %s was given up after %s. Show it with `%s`.",
        claim.id,
        receiver,
        counted(claim.failures + 1, "failure", "failures"),
        command_line(f"outbox show {claim.id}"),
        exc_info=(type(error), error, below_worker(error.__traceback__)),
    )
    return "dead"


def _blocks(receiver: str) -> bool:
    """Return whether the later deliveries of a key wait for one whose signal is not known."""
    return any(each.options.dead == "block" for each in connected_receivers().get(receiver, ()))


def error_text(error: BaseException) -> str:
    """Return the traceback of an error as text that a database with Unicode can store."""
    lines = traceback.format_exception(type(error), error, below_worker(error.__traceback__))
    text = "".join(lines)[-LONGEST_ERROR:]
    # PostgreSQL stores no NUL, no database a lone surrogate, and MySQL's utf8mb3 no emoji.
    text = text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
    return "".join(each if each <= "\uffff" else f"\\U{ord(each):08x}" for each in text)


def with_text(error: BaseException, store_text: Callable[[str], T]) -> T:
    """Call a function that stores the traceback of an error, and return what it returns.

    It is called again with escapes, if the character set of the database, or of the connection, lacks
    a character. Otherwise the worker would fail at this delivery again and again.
    """
    note_cure(error)  # the receiver may have used the same database
    text = error_text(error)
    try:
        return store_text(text)
    except Exception as refusal:
        if not _is_unencodable(refusal):
            raise
        return store_text(text.encode("ascii", "backslashreplace").decode())


def _is_unencodable(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UnicodeEncodeError) or sql_state(cause) == _UNTRANSLATABLE:
            return True
        cause = getattr(cause, "orig", None) or cause.__cause__
    return False
