"""Deliveries that take the receivers of a send together, such as one write for all of them.

A bound delivery may have an attribute `batch`. The receivers of a send whose deliveries have the
same batch are given to it in one call, after the other receivers. So a send that raises before has
no effect there.

In a robust send, a batch may have `send_robust` and `asend_robust`. They return the exception in place
of the response of a receiver that has failed. Without them, a failure counts for all its receivers.
"""

from __future__ import annotations

from clarion._core.notes import add_delivery_note, log_receiver_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from clarion._core.instrument import Send
    from clarion._core.registration import Registration
    from clarion._core.route import Route
    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver
    from clarion.delivery import Batch

    Arguments = dict[str, Any]
    Call = tuple[Registration, Receiver, Arguments]


class Batches:
    """The calls of one send that are made together, by batch.

    Attributes:
        calls: the calls of each batch, and the positions of their responses in the list of the send.
    """

    __slots__ = ("calls",)

    def __init__(self) -> None:
        self.calls: dict[Batch, tuple[list[Call], list[int]]] = {}

    def keep(self, batch: Batch, call: Call, send: Send) -> None:
        """Keep a call, and the place of its response."""
        calls, places = self.calls.setdefault(batch, ([], []))
        calls.append(call)
        places.append(len(send.responses))
        send.responses.append((call[1], None))


def send_batch(
    signal: Signal, route: Route, arguments: Arguments, *, robust: bool
) -> list[tuple[Receiver, Any]]:
    """Give a send to the batch that takes all receivers of the route; return the responses."""
    batch, members = route.only_batch, route.strong_members
    if members is None:
        members = route.live_members()
    calls = [(registration, receiver, arguments) for registration, receiver in members]
    if batch is None or not calls:
        return []
    # Without a variable for the responses, as in `deliver_batches`.
    return [
        (call[1], response)
        for call, response in zip(calls, _deliver(signal, batch, calls, robust=robust), strict=True)
    ]


def deliver_batches(send: Send, batches: Batches, *, robust: bool) -> None:
    """Give the kept calls to their batches, and set the responses of the send."""
    # Without a variable for the responses, here and below: an error may hold this frame.
    for batch, (calls, places) in batches.calls.items():
        _set(send, places, _deliver(send.signal, batch, calls, robust=robust))


async def adeliver_batches(send: Send, batches: Batches, *, robust: bool) -> None:
    """Give the calls of an `asend` to their batches, as `deliver_batches`."""
    for batch, (calls, places) in batches.calls.items():
        _set(send, places, await _adeliver(send.signal, batch, calls, robust=robust))


def _deliver(signal: Signal, batch: Batch, calls: list[Call], *, robust: bool) -> list[Any]:
    try:
        if robust and (each := getattr(batch, "send_robust", None)) is not None:
            return _logged(signal, calls, each(signal, calls))
        return batch.send(signal, calls)
    except Exception as error:
        if not robust:
            add_delivery_note(error, signal, calls[0][1])
            raise
        _log(signal, calls, error)
        return [error] * len(calls)


async def _adeliver(signal: Signal, batch: Batch, calls: list[Call], *, robust: bool) -> list[Any]:
    try:
        if robust and (each := getattr(batch, "asend_robust", None)) is not None:
            return _logged(signal, calls, await each(signal, calls))
        return await batch.asend(signal, calls)
    except Exception as error:
        if not robust:
            add_delivery_note(error, signal, calls[0][1])
            raise
        _log(signal, calls, error)
        return [error] * len(calls)


def _logged(signal: Signal, calls: list[Call], responses: list[Any]) -> list[Any]:
    """Log the exceptions among the responses of a batch, and return the responses."""
    for (_, receiver, _), response in zip(calls, responses, strict=True):
        if isinstance(response, Exception):
            log_receiver_failure(signal, receiver, response)
    return responses


def _log(signal: Signal, calls: list[Call], error: Exception) -> None:
    for _, receiver, _ in calls:
        log_receiver_failure(signal, receiver, error)


def _set(send: Send, places: list[int], responses: list[Any]) -> None:
    for place, response in zip(places, responses, strict=True):
        send.responses[place] = (send.responses[place][0], response)
