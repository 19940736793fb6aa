"""Hand one send to the engines of its receivers: after the commit, or at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core.notes import add_delivery_note
from clarion.background.handover import PendingHandOver
from clarion.background.hold import is_kept
from clarion.commit.outside import may_run, outside_of
from clarion.commit.resolve import NO_MATCH, resolve_boundary
from clarion.commit.suppress import active_suppression, suppressions
from clarion.envelope import seal
from clarion.errors import BoundaryError, MissingExtraError, TransactionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.background.handover import HandOver
    from clarion.commit.boundary import Boundary
    from clarion.commit.suppress import suppressed
    from clarion.envelope import Envelope
    from clarion.typing import Receiver

    Call = tuple[Registration, Receiver, dict[str, Any]]

_USING = "a delivery to an engine (using="  # how messages name the option


class Publication:
    """The batch of the receivers of a send that engines carry out.

    The send is encoded once. Each receiver gets a pending call of its own.

    Args:
        using: the alias whose commit the calls wait for; None for the transaction of the send.
    """

    def __init__(self, using: str | None) -> None:
        self.using = using

    def send(self, signal: Signal, calls: Sequence[Call]) -> list[HandOver | None]:
        """Hand a send to the engines of its receivers; return a `HandOver` for each."""
        if suppressions.get() and (suppression := active_suppression()) is not None:
            return _suppress(suppression, calls)
        pending = self._pending(signal, calls)
        responses: list[HandOver | None] = [each.scheduled for each in pending]
        for each in pending:
            try:
                _hand_over(each, calls[0][2])
            except Exception as error:
                add_delivery_note(error, signal, each.receiver)
                raise
        return responses

    async def asend(self, signal: Signal, calls: Sequence[Call]) -> list[HandOver | None]:
        """Hand an `asend` to the engines, as `send`."""
        if suppressions.get() and (suppression := active_suppression()) is not None:
            return _suppress(suppression, calls)
        pending = self._pending(signal, calls)
        responses: list[HandOver | None] = [each.scheduled for each in pending]
        for each in pending:
            try:
                await _ahand_over(each, calls[0][2])
            except Exception as error:
                add_delivery_note(error, signal, each.receiver)
                raise
        return responses

    def send_robust(self, signal: Signal, calls: Sequence[Call]) -> list[Any]:
        """Hand a robust send to the engines; return a `HandOver` or an exception for each.

        If one receiver fails, the others are handed over.
        """
        if suppressions.get() and (suppression := active_suppression()) is not None:
            return list(_suppress(suppression, calls))
        made = self._pending_robust(signal, calls)
        return [_robust(each, calls[0][2]) for each in made]

    async def asend_robust(self, signal: Signal, calls: Sequence[Call]) -> list[Any]:
        """Hand a robust `asend` to the engines, as `send_robust`."""
        if suppressions.get() and (suppression := active_suppression()) is not None:
            return list(_suppress(suppression, calls))
        made = self._pending_robust(signal, calls)
        return [await _arobust(each, calls[0][2]) for each in made]

    def _pending_robust(
        self, signal: Signal, calls: Sequence[Call]
    ) -> list[PendingHandOver | Exception]:
        """Return the pending call for each receiver; its exception if it cannot be made."""
        boundary, reason = resolve_boundary(signal, calls[0][2], self.using, _USING)
        envelope = _sealed(signal, calls)
        made: list[PendingHandOver | Exception] = []
        for call in calls:
            try:
                _check(signal, call, boundary)
                made.append(_pending_call(signal, call, boundary, reason, envelope))
            except Exception as error:  # noqa: BLE001  # it is the response
                made.append(error)
        return made

    def _pending(self, signal: Signal, calls: Sequence[Call]) -> list[PendingHandOver]:
        """Return the pending call for each receiver."""
        boundary, reason = resolve_boundary(signal, calls[0][2], self.using, _USING)
        for call in calls:
            bound: Any = call[0].delivery
            if bound.call_check.is_needed:
                _check(signal, call, boundary)
        envelope = _sealed(signal, calls)
        return [_pending_call(signal, call, boundary, reason, envelope) for call in calls]


_publications: dict[str | None, Publication] = {}


def publication_for(using: str | None) -> Publication:
    """Return the batch of the receivers that wait for an alias: one object for each."""
    return _publications.setdefault(using, Publication(using))


def _suppress(suppression: suppressed, calls: Sequence[Call]) -> list[HandOver | None]:
    for registration, receiver, _ in calls:
        suppression.count_receiver(receiver)
        bound: Any = registration.delivery
        bound.count("suppressed")
    return [None] * len(calls)


def _sealed(signal: Signal, calls: Sequence[Call]) -> Envelope:
    """Return the envelope with everything that a receiver gets."""
    arguments, snapshots = calls[0][2], False
    for registration, _, given in calls:
        if given is not arguments:
            arguments = {**arguments, **given}
        bound: Any = registration.delivery
        snapshots = snapshots or bound.options.missing == "snapshot"
    return seal(signal, arguments, snapshots=snapshots)


def _check(signal: Signal, call: Call, boundary: Boundary) -> None:
    registration, receiver, arguments = call
    bound: Any = registration.delivery
    try:
        bound.call_check.check(signal, receiver, boundary, arguments)
    except Exception as error:
        add_delivery_note(error, signal, receiver)
        raise


def _robust(call: PendingHandOver | Exception, arguments: dict[str, Any]) -> HandOver | Exception:
    """Hand a call over, and return its handle, or what failed."""
    if isinstance(call, Exception):
        return call
    response = call.scheduled
    try:
        _hand_over(call, arguments)
    except Exception as error:  # noqa: BLE001  # it is the response
        return error
    return response


async def _arobust(
    call: PendingHandOver | Exception, arguments: dict[str, Any]
) -> HandOver | Exception:
    if isinstance(call, Exception):
        return call
    response = call.scheduled
    try:
        await _ahand_over(call, arguments)
    except Exception as error:  # noqa: BLE001  # it is the response
        return error
    return response


def _pending_call(
    signal: Signal, call: Call, boundary: Boundary, reason: str, envelope: Envelope
) -> PendingHandOver:
    registration, receiver, arguments = call
    bound: Any = registration.delivery
    try:
        handed = bound.call(signal, receiver, arguments, envelope)
    except Exception as error:
        add_delivery_note(error, signal, receiver)
        raise
    return PendingHandOver(signal, receiver, bound, boundary, reason, handed, bound.delivery)


def _is_within(call: PendingHandOver) -> bool:
    return call.delivery.engine.in_transaction and call.sent_in.is_open() and not is_kept()


def _hand_over(call: PendingHandOver, arguments: dict[str, Any]) -> None:
    """Write a call in the transaction of the send, or keep it until the commit, or enqueue it at once."""
    if not (call.delivery.engine.in_transaction and _written(call, arguments)):
        if not call.sent_in.schedule(call):
            _enqueue_at_once(call)
        return
    call.scheduled.is_within = True
    try:
        is_kept = call.sent_in.schedule(call)
    except TransactionError:
        is_kept = False  # Django with autocommit off does not report the commit
    if not is_kept:
        call.finish(None)


async def _ahand_over(call: PendingHandOver, arguments: dict[str, Any]) -> None:
    if not await _awritten(call, arguments):
        await _aschedule(call)
        return
    call.scheduled.is_within = True
    try:
        is_kept = await call.sent_in.aschedule(call)
    except TransactionError:
        is_kept = False
    if not is_kept:
        call.finish(None)


def _written(call: PendingHandOver, arguments: dict[str, Any]) -> bool:
    """Return whether the engine has written the call in the transaction of the send."""
    if not _is_within(call):
        return False
    try:
        with call.sent_in.for_send(arguments).write_connection() as connection:
            return call.delivery.engine.enqueue_in(call.handed, connection)
    except BoundaryError:
        return False  # the transaction has no database, or several


async def _awritten(call: PendingHandOver, arguments: dict[str, Any]) -> bool:
    if not _is_within(call):
        return False
    try:
        async with call.sent_in.for_send(arguments).awrite_connection() as connection:
            return await call.delivery.engine.aenqueue_in(call.handed, connection)
    except BoundaryError:
        return False


def _enqueue_at_once(call: PendingHandOver) -> None:
    """Enqueue a call where no transaction is open, if it may run there.

    Raises:
        Exception: if the engine does not confirm the call.
    """
    if not may_run(call):
        return
    call.scheduled.is_at_once = True
    with call.failing():
        call.delivery.enqueue(call.handed)


async def _aschedule(call: PendingHandOver) -> None:
    if await call.sent_in.aschedule(call) or not may_run(call):
        return
    call.scheduled.is_at_once = True
    with call.failing():
        await call.delivery.aenqueue(call.handed)


def explain(signal: Signal, arguments: dict[str, Any], delivery: Any) -> str:
    """Return when the engine would get the call, in words."""
    if (suppression := active_suppression()) is not None:
        return f"suppressed here: {suppression.reason}"
    try:
        match = resolve_boundary(signal, arguments, delivery.options.using, _USING)
    except (BoundaryError, MissingExtraError) as error:
        return f"never, because the send would raise: {error}"
    engine, name = delivery.engine.name, match.boundary.name
    if match.boundary.is_open():
        return f"in {engine}, after the commit of {name}: {match.reason}"
    where = "" if match is NO_MATCH else f" on {name}"
    if (outside := outside_of(delivery)) != "run":
        return f"never, because no transaction is open{where} and its outside is '{outside}'"
    return f"in {engine}, at once, because no transaction is open{where}: {match.reason}"
