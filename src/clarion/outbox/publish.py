"""Store one send for its durable receivers, in the sender's transaction."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from clarion._core.call import claim
from clarion._core.loops import run_in_thread
from clarion._core.notes import delivery_noted
from clarion.commit.resolve import NO_MATCH, resolve_boundary
from clarion.commit.suppress import active_suppression
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


class Place(NamedTuple):
    """Where a send is stored.

    Attributes:
        boundary: the boundary of the send.
        reason: why the send is stored there.
        writer: what stores it in a transaction of its own; None to use the boundary's connection.
    """

    boundary: Boundary
    reason: str
    writer: Writer | None

    @property
    def name(self) -> str:
        """The name of the place for messages."""
        return self.boundary.name if self.writer is None else self.writer.database.name


class Publication:
    """The batch of the durable receivers of a send that use the same database.

    Args:
        database: the alias of that database; None for the one of the send.
    """

    def __init__(self, database: str | None) -> None:
        self.database = database

    def send(self, signal: Signal, calls: Sequence[Call]) -> list[Any]:
        """Store a send for its receivers with one write; return a `Stored` for each."""
        if (suppression := active_suppression()) is not None:
            return _suppress(suppression, calls)
        place = _place(signal, calls[0][2], self.database)
        taken = _taken(signal, place.boundary, calls)
        envelope, targets = _written(signal, taken)
        if targets:
            try:
                _publish(place, envelope, targets)
            except Exception as error:
                note_cure(error)
                raise
            wake.after_commit(signal, place.boundary)
        return _responses(calls, taken, place, envelope.uid)

    async def asend(self, signal: Signal, calls: Sequence[Call]) -> list[Any]:
        """Store an `asend`, as `send` does."""
        if (suppression := active_suppression()) is not None:
            return _suppress(suppression, calls)
        place = _place(signal, calls[0][2], self.database)
        taken = _taken(signal, place.boundary, calls)
        envelope, targets = _written(signal, taken)
        if targets:
            with cures_noted():
                await _apublish(place, envelope, targets)
            wake.after_commit(signal, place.boundary)
        return _responses(calls, taken, place, envelope.uid)


_publications: dict[str | None, Publication] = {}


def publication_for(database: str | None) -> Publication:
    """Return the batch of the receivers that use a database: one object for each alias."""
    return _publications.setdefault(database, Publication(database))


def _suppress(suppression: suppressed, calls: Sequence[Call]) -> list[Any]:
    for _, receiver, _ in calls:
        suppression.count_receiver(receiver)
    return [None] * len(calls)


def _taken(signal: Signal, boundary: Boundary, calls: Sequence[Call]) -> list[Call]:
    """Return the calls that are stored, after all were checked."""
    for registration, receiver, arguments in calls:
        bound: Any = registration.delivery
        with delivery_noted(signal, receiver):
            bound.check(signal, receiver, boundary, arguments)
    return [call for call in calls if claim(signal, call[0])]


def _written(signal: Signal, calls: Sequence[Call]) -> tuple[Envelope, list[Target]]:
    """Return the envelope with everything that a receiver gets, and the rows of the receivers."""
    arguments: dict[str, Any] = {}
    targets: list[Target] = []
    snapshots = False
    for registration, receiver, given in calls:
        arguments.update(given)
        bound: Any = registration.delivery
        with delivery_noted(signal, receiver):
            targets.append(bound.target(signal, receiver, given))
        snapshots = snapshots or bound.options.missing == "snapshot"
    envelope = seal(signal, arguments or {"sender": None}, snapshots=snapshots)
    _check_signal_name(envelope.signal)
    return envelope, targets


def _check_signal_name(name: str) -> None:
    """Refuse a name that a column of the tables would not store, or not as it is."""
    if len(name) > LONGEST or not name.isprintable():
        raise EncodingError(
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
        return Place(boundary, reason, None)
    # The database that the program has set is preferred to one that an integration finds.
    writer = required_writer() if boundary is NO_MATCH.boundary else default_writer()
    # Not every database has sessions that load the objects of a payload.
    if (check_rows := getattr(writer and writer.database, "check_rows", None)) is not None:
        check_rows(arguments)
    return Place(boundary, reason, writer)


def _publish(place: Place, envelope: Envelope, targets: list[Target]) -> None:
    if place.writer is not None:
        _publish_alone(place.writer, envelope, targets)
        return
    with place.boundary.write_connection() as raw:
        connection: Any = adapt(raw)
        if is_async_connection(connection):
            raise BoundaryError(
                f"{place.name} is async, so a sync send cannot write to it. Use `await "
                f"signal.asend(...)`."
            )
        store.publish(connection, envelope, targets)


async def _apublish(place: Place, envelope: Envelope, targets: list[Target]) -> None:
    if place.writer is not None:
        # In a thread, because it may wait for the database.
        await run_in_thread(partial(_publish_alone, place.writer, envelope, targets))
        return
    async with place.boundary.awrite_connection() as raw:
        connection: Any = adapt(raw)
        if is_async_connection(connection):
            await async_store.apublish(connection, envelope, targets)
        else:
            store.publish(connection, envelope, targets)


def _publish_alone(writer: Writer, envelope: Envelope, targets: list[Target]) -> None:
    with writer.transaction() as connection:
        store.publish(connection, envelope, targets)


def _responses(
    calls: Sequence[Call], taken: list[Call], place: Place, uid: UUID
) -> list[Stored | None]:
    kept = {id(registration) for registration, _, _ in taken}
    name, reason = place.name, place.reason
    responses: list[Stored | None] = []
    for registration, _, _ in calls:
        bound: Any = registration.delivery
        is_kept = id(registration) in kept
        responses.append(Stored(uid, bound.name, name, reason) if is_kept else None)
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
        place = _place(signal, arguments, database)
        if place.writer is None:
            place.boundary.write_connection()  # refuses a transaction that has no database
    except (BoundaryError, MissingExtraError) as error:
        return f"never, because the send would raise: {error}"
    if place.writer is None and place.boundary.is_open():
        return f"in a worker, stored in the transaction of {place.name}: {place.reason}"
    return f"in a worker, stored in {place.name}, in a transaction of its own: {place.reason}"
