"""The longer road of a send, for routes that hold more than calls.

It is taken when a receiver is async, may run only once, or is watched. The four sends
come here with the same route and differ in two ways: whether errors propagate or are
collected (`Propagate`, `Collect`), and whether the sender waits or awaits (`run`,
`arun`).
"""

from __future__ import annotations

from clarion._core import loops
from clarion._core.blame import blame
from clarion._core.instrument import Send
from clarion._core.names import described, signal_name
from clarion._core.route import ASYNC, SYNC
from clarion.errors import RunningLoopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from clarion._core.accept import Receiver
    from clarion._core.route import Route, Stage
    from clarion._core.signal import Signal

    Arguments = dict[str, Any]
    Responses = list[tuple[Receiver, Any]]


class Propagate:
    """An error ends the send and reaches the sender."""

    @staticmethod
    def call(signal: Signal, receiver: Receiver, arguments: Arguments) -> Any:
        """Return what the receiver answers."""
        try:
            return receiver(**arguments)
        except Exception as error:
            blame(error, signal, receiver)
            raise

    @staticmethod
    async def acall(signal: Signal, receiver: Receiver, arguments: Arguments) -> Any:
        """Return what the receiver answers, awaited."""
        try:
            return await receiver(**arguments)
        except Exception as error:
            blame(error, signal, receiver)
            raise


class Collect:
    """An error is logged and stands in for the answer."""

    @staticmethod
    def call(signal: Signal, receiver: Receiver, arguments: Arguments) -> Any:
        """Return what the receiver answers or raises."""
        try:
            return receiver(**arguments)
        except Exception as error:  # noqa: BLE001
            signal._log_robust_failure(receiver, error)
            return error

    @staticmethod
    async def acall(signal: Signal, receiver: Receiver, arguments: Arguments) -> Any:
        """Return what the receiver answers, awaited, or raises."""
        try:
            return await receiver(**arguments)
        except Exception as error:  # noqa: BLE001
            signal._log_robust_failure(receiver, error)
            return error


def run(
    signal: Signal, route: Route, arguments: Arguments, errors: type[Propagate | Collect]
) -> Responses:
    """Call the receivers of a route, stage by stage; run what is async to completion."""
    with Send(signal, arguments, route.instruments) as send:
        if loops.is_loop_running():
            _refuse_to_await(send, route)
        for stage in route.stages:
            if stage.mode is ASYNC:
                send.responses += signal._complete(_await_all(send, stage, errors))
            else:
                send.responses += _call_all(send, stage, errors)
    return send.responses


async def arun(
    signal: Signal, route: Route, arguments: Arguments, errors: type[Propagate | Collect]
) -> Responses:
    """Await the receivers of a route, stage by stage; take a thread for what is sync."""
    with Send(signal, arguments, route.instruments) as send:
        for stage in route.stages:
            if stage.mode is ASYNC:
                send.responses += await _await_all(send, stage, errors)
            elif stage.mode is SYNC:
                # `stage` is still this one: the call is over before the next turn.
                send.responses += await signal._hop(lambda: _call_all(send, stage, errors))  # noqa: B023
            else:
                send.responses += _call_all(send, stage, errors)
    return send.responses


def _call_all(send: Send, stage: Stage, errors: type[Propagate | Collect]) -> Responses:
    return [
        (receiver, errors.call(send.signal, receiver, arguments))
        for receiver, arguments in _ready(send, stage)
    ]


async def _await_all(send: Send, stage: Stage, errors: type[Propagate | Collect]) -> Responses:
    ready = list(_ready(send, stage))
    answers = await loops.together(
        [errors.acall(send.signal, receiver, arguments) for receiver, arguments in ready]
    )
    return [(receiver, answer) for (receiver, _), answer in zip(ready, answers, strict=True)]


def _ready(send: Send, stage: Stage) -> Iterator[tuple[Receiver, Arguments]]:
    """Yield those of a stage that are to be called, each with its arguments."""
    for registration in stage.registrations:
        receiver = registration.live()
        if receiver is None or not send.admits(receiver) or not registration.claim():
            continue
        if registration.once:
            send.signal._table.remove(registration.key, registration.sender_key)
        if registration.wants_signal:
            yield receiver, {**send.arguments, "signal": send.signal}
        else:
            yield receiver, send.arguments


def _refuse_to_await(send: Send, route: Route) -> None:
    waiting = [
        described(receiver)
        for registration in route.registrations
        if registration.is_async
        and (receiver := registration.live()) is not None
        and send.admits(receiver)
    ]
    if waiting:
        raise RunningLoopError(
            f"Signal {signal_name(send.signal)} was sent inside a running event loop, where send() "
            f"cannot await {', '.join(waiting)}. Use `await signal.asend(...)` there.",
            waiting,
        )
