"""savepoints: a robust send in which each receiver has a savepoint of the sender's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core import loops
from clarion._core.call import acall, adeliver, arguments_of, call, claim, must_await
from clarion._core.checks import check_signal
from clarion._core.instrument import Send
from clarion._core.names import described
from clarion._core.notes import log_receiver_failure
from clarion._core.slow_path import refuse_to_await
from clarion._core.tabled import policy_of, table_of
from clarion._core.threads import call_in_thread
from clarion.commit.atomic_block import AtomicBlock
from clarion.commit.block_savepoints import ablock_savepoint, block_savepoint, check_block
from clarion.commit.resolve import resolve_boundary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.commit.boundary import Boundary
    from clarion.typing import AnySignal, Receiver, Responses


class savepoints:  # noqa: N801  # it reads as a word: `savepoints(signal).send_robust(...)`
    """Send a signal robustly, with a savepoint around each receiver.

        with transaction.atomic():
            responses = savepoints(order_paid).send_robust(sender=Order, order=order)

    A receiver that breaks a constraint then undoes its own writes only. The transaction, and the
    receivers after it, go on. The transaction is the one that receivers with `on_commit` would
    wait for. If none is open, no savepoint is set; a session of SQLAlchemy begins one. Receivers
    with a delivery, such as `on_commit`, run outside the send and get no savepoint.

    Args:
        signal: the signal.
    """

    def __init__(self, signal: AnySignal) -> None:
        self._signal: Signal = check_signal(signal)

    def send_robust(self, /, sender: object, **kwargs: Any) -> Responses:
        """Send as `Signal.send_robust`, with a savepoint around each receiver.

        Args:
            sender: as for `Signal.send_robust`.
            **kwargs: as for `Signal.send_robust`.

        Returns:
            As `Signal.send_robust`. If a savepoint cannot be set or released, the response is
            that error.

        Raises:
            RunningLoopError: as `Signal.send`.
            BoundaryError: if the transaction can only be awaited. Use `asend_robust`.
        """
        signal, policy = self._signal, policy_of(self._signal)
        arguments = policy.complete_arguments(signal, sender, kwargs)
        boundary = resolve_boundary(signal, arguments).boundary
        _check(boundary)
        with self._send(sender, arguments) as send:
            if loops.is_loop_running():
                self._check_awaited(send)
            for registration, receiver in _members(send):
                # Without a variable for the response: an error may hold this frame.
                send.responses.append((receiver, _call(send, boundary, registration, receiver)))
        return send.take_responses()

    async def asend_robust(self, /, sender: object, **kwargs: Any) -> Responses:
        """Send as `Signal.asend_robust`, with a savepoint around each receiver.

        Receivers are called one after another, also async ones, because the savepoints of one
        transaction are nested.

        Args:
            sender: as for `send_robust`.
            **kwargs: as for `send_robust`.

        Returns:
            As `send_robust`.
        """
        signal, policy = self._signal, policy_of(self._signal)
        arguments = policy.complete_arguments(signal, sender, kwargs)
        boundary = resolve_boundary(signal, arguments).boundary
        with self._send(sender, arguments) as send:
            for registration, receiver in _members(send):
                if registration.is_async and registration.delivery is not None:
                    must_await(signal, registration, receiver, arguments)
            for registration, receiver in _members(send):
                awaited = _acall(send, boundary, registration, receiver)
                send.responses.append((receiver, await awaited))
        return send.take_responses()

    def _send(self, sender: object, arguments: dict[str, Any]) -> Send:
        return Send(self._signal, arguments, table_of(self._signal).find_route(sender).instruments)

    def _check_awaited(self, send: Send) -> None:
        """Refuse the send if it would have to await a receiver, before any call."""
        awaited = [
            described(receiver)
            for registration, receiver in _members(send)
            if must_await(send.signal, registration, receiver, send.arguments)
        ]
        if awaited:
            refuse_to_await(send.signal, awaited)


def _check(boundary: Boundary) -> None:
    if isinstance(boundary, AtomicBlock):
        check_block(boundary)
    else:
        boundary.check_savepoint()


def _savepoint(boundary: Boundary) -> AbstractContextManager[object]:
    if isinstance(boundary, AtomicBlock):
        return block_savepoint(boundary)
    return boundary.receiver_savepoint()


def _asavepoint(boundary: Boundary) -> AbstractAsyncContextManager[object]:
    if isinstance(boundary, AtomicBlock):
        return ablock_savepoint(boundary)
    return boundary.areceiver_savepoint()


def _members(send: Send) -> Iterator[tuple[Registration, Receiver]]:
    """Yield the receivers to call, in the order of a send."""
    for registration in table_of(send.signal).find_route(send.sender).registrations:
        receiver = registration.live()
        if receiver is not None and not registration.is_spent and send.allows(receiver):
            yield registration, receiver


def _call(send: Send, boundary: Boundary, registration: Registration, receiver: Receiver) -> Any:
    signal, arguments = send.signal, send.arguments
    try:
        if registration.delivery is not None:
            return call(signal, registration, receiver, arguments)
        with _savepoint(boundary):
            if registration.is_async:
                awaited = acall(signal, registration, receiver, arguments)
                return policy_of(signal).run_coroutine(awaited)
            return call(signal, registration, receiver, arguments)
    except Exception as error:  # noqa: BLE001
        log_receiver_failure(signal, receiver, error)
        return error


async def _acall(
    send: Send, boundary: Boundary, registration: Registration, receiver: Receiver
) -> Any:
    try:
        arguments = send.arguments
        if registration.requested:
            arguments = arguments_of(send.signal, registration, arguments)
        if registration.delivery is not None:
            return await adeliver(send.signal, registration, receiver, arguments)
        if not claim(send.signal, registration):
            return None
        async with _asavepoint(boundary):
            if registration.is_async:
                return await receiver(**arguments)
            if registration.inline:
                return receiver(**arguments)
            return await call_in_thread(send.signal, receiver, arguments)
    except Exception as error:  # noqa: BLE001
        log_receiver_failure(send.signal, receiver, error)
        return error
