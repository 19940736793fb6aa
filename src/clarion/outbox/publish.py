"""Store one send for its durable receivers, in the sender's transaction."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from clarion._core.loops import run_in_thread
from clarion._core.notes import add_delivery_note
from clarion.commit.resolve import NO_MATCH, resolve_boundary
from clarion.commit.suppress import active_suppression, suppressions
from clarion.envelope import seal
from clarion.envelope.receiver_names import LONGEST
from clarion.errors import BoundaryError, EncodingError, MissingExtraError
from clarion.outbox import async_store, store, wake
from clarion.outbox.adapters import adapt, is_async_connection
from clarion.outbox.default import default_writer, required_writer
from clarion.outbox.notes import cures_noted, note_cure
from clarion.outbox.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.commit.boundary import Boundary
    from clarion.commit.suppress import suppressed
    from clarion.envelope import Envelope
    from clarion.outbox.default import Writer
    from clarion.outbox.delivery_row import Target
    from clarion.typing import Receiver

    Call = tuple[Registration, Receiver, dict[str, Any]]
    # Where a send is stored: its boundary, why there, and what stores it in a transaction of its own;
    # None to use the boundary's connection. Not a class, because each send has one.
    Place = tuple[Boundary, str, Writer | None]


class Publication:
    """The batch of the durable receivers of a send that use the same database.

    Args:
        database: the alias of that database; None for the one of the send.
    """

    def __init__(self, database: str | None) -> None:
        self.database = database

    def send(self, signal: Signal, calls: Sequence[Call]) -> list[Any]:
        """Store a send for its receivers with one write; return a `Stored` for each."""
        if suppressions.get() and (suppression := active_suppression()) is not None:
            return _suppress(suppression, calls)
        place = _place(signal, calls[0][2], self.database)
        _check(signal, place[0], calls)
        envelope, targets = _written(signal, calls)
        try:
            _publish(place, envelope, targets)
        except Exception as error:
            note_cure(error)
            raise
        if wake.workers:
            wake.after_commit(signal, place[0])
        return _responses(calls, place, envelope.uid)

    async def asend(self, signal: Signal, calls: Sequence[Call]) -> list[Any]:
        """Store an `asend`, as `send` does."""
        if suppressions.get() and (suppression := active_suppression()) is not None:
            return _suppress(suppression, calls)
        place = _place(signal, calls[0][2], self.database)
        _check(signal, place[0], calls)
        envelope, targets = _written(signal, calls)
        with cures_noted():
            await _apublish(place, envelope, targets)
        if wake.workers:
            wake.after_commit(signal, place[0])
        return _responses(calls, place, envelope.uid)


_publications: dict[str | None, Publication] = {}


def publication_for(database: str | None) -> Publication:
    """Return the batch of the receivers that use a database: one object for each alias."""
    return _publications.setdefault(database, Publication(database))


def _suppress(suppression: suppressed, calls: Sequence[Call]) -> list[Any]:
    for _, receiver, _ in calls:
        suppression.count_receiver(receiver)
    return [None] * len(calls)


def _check(signal: Signal, boundary: Boundary, calls: Sequence[Call]) -> None:
    """Refuse a send if a call of a receiver would fail."""
    for registration, receiver, arguments in calls:
        bound: Any = registration.delivery
        if bound.call_check.is_needed:
            try:
                bound.call_check.check(signal, receiver, boundary, arguments)
            except Exception as error:
                add_delivery_note(error, signal, receiver)
                raise


def _written(signal: Signal, calls: Sequence[Call]) -> tuple[Envelope, list[Target]]:
    """Return the envelope with everything that a receiver gets, and the rows of the receivers."""
    arguments: dict[str, Any] = calls[0][2]
    targets: list[Target] = []
    snapshots = False
    for registration, receiver, given in calls:
        if given is not arguments:
            arguments = {**arguments, **given}
        bound: Any = registration.delivery
        targets.append(bound.unordered_target or _ordered(bound, signal, receiver, given))
        snapshots = snapshots or bound.options.missing == "snapshot"
    envelope = seal(signal, arguments, snapshots=snapshots)
    if len(envelope.signal) > LONGEST or not envelope.signal.isprintable():
        raise _unfit_name()
    return envelope, targets


def _ordered(bound: Any, signal: Signal, receiver: Receiver, arguments: dict[str, Any]) -> Target:
    """Return the row of a receiver whose deliveries have a key."""
    try:
        target: Target = bound.target(signal, receiver, arguments)
    except Exception as error:
        add_delivery_note(error, signal, receiver)
        raise
    return target


def _unfit_name() -> EncodingError:
    """Return the refusal of a name that a column of the tables would not store, or not as it is."""
    return EncodingError(
        f"A signal whose name has more than {LONGEST} characters, or one that cannot be printed, cannot be "
        f"stored. Give it another name: Signal(name='shop.order_paid')."
    )


def _place(signal: Signal, arguments: dict[str, Any], database: str | None) -> Place:
    """Return where a send is stored.

    Raises:
        BoundaryError: if there is no database to store it in.
    """
    boundary, reason = resolve_boundary(signal, arguments, database, "durable(database=")
    boundary = boundary.for_send(arguments)
    if database is not None or boundary.is_open():
        return boundary, reason, None
    # The database that the program has set is preferred to one that an integration finds.
    writer = required_writer() if boundary is NO_MATCH.boundary else default_writer()
    # Not every database has sessions that load the objects of a payload.
    if (check_rows := getattr(writer and writer.database, "check_rows", None)) is not None:
        check_rows(arguments)
    return boundary, reason, writer


def _name_of(boundary: Boundary, writer: Writer | None) -> str:
    """Return the name of a place for messages."""
    return boundary.name if writer is None else writer.database.name


def _publish(place: Place, envelope: Envelope, targets: list[Target]) -> None:
    boundary, _, writer = place
    if writer is not None:
        _publish_alone(writer, envelope, targets)
    elif (joined := boundary.joined_connection()) is not None:
        _publish_on(joined, boundary, envelope, targets)
    else:
        with boundary.write_connection() as raw:
            _publish_on(raw, boundary, envelope, targets)


def _publish_on(raw: Any, boundary: Boundary, envelope: Envelope, targets: list[Target]) -> None:
    connection: Any = adapt(raw)
    if is_async_connection(connection):
        raise BoundaryError(
            f"{boundary.name} is async, so a sync send cannot write to it. Use `await "
            f"signal.asend(...)`."
        )
    store.publish(connection, envelope, targets)


async def _apublish(place: Place, envelope: Envelope, targets: list[Target]) -> None:
    boundary, _, writer = place
    if writer is not None:
        # In a thread, because it may wait for the database.
        await run_in_thread(partial(_publish_alone, writer, envelope, targets))
        return
    async with boundary.awrite_connection() as raw:
        connection: Any = adapt(raw)
        if is_async_connection(connection):
            await async_store.apublish(connection, envelope, targets)
        else:
            store.publish(connection, envelope, targets)


def _publish_alone(writer: Writer, envelope: Envelope, targets: list[Target]) -> None:
    with writer.transaction() as connection:
        store.publish(connection, envelope, targets)


def _responses(calls: Sequence[Call], place: Place, uid: UUID) -> list[Stored]:
    boundary, reason, writer = place
    name = boundary.name if writer is None else writer.database.name
    responses: list[Stored] = []
    for registration, _, _ in calls:
        bound: Any = registration.delivery
        responses.append(Stored(uid, bound.name, name, reason))
    return responses


def explain(signal: Signal, arguments: dict[str, Any], database: str | None) -> str:
    """Return where a send would be stored, in words."""
    if (suppression := active_suppression()) is not None:
        return f"suppressed here: {suppression.reason}"
    try:
        boundary = resolve_boundary(signal, arguments, database, "durable(database=").boundary
        if boundary is NO_MATCH.boundary and default_writer() is None:
            return (
                "in a worker if the send is in a transaction; without one, it raises BoundaryError"
            )
        place, reason, writer = _place(signal, arguments, database)
        if writer is None:
            place.write_connection()  # refuses a transaction that has no database
    except (BoundaryError, MissingExtraError) as error:
        return f"never, because the send would raise: {error}"
    name = _name_of(place, writer)
    if writer is None and place.is_open():
        return f"in a worker, stored in the transaction of {name}: {reason}"
    return f"in a worker, stored in {name}, in a transaction of its own: {reason}"
