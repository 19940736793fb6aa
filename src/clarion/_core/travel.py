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
from clarion._core.stage import ASYNC, SYNC
from clarion.errors import RunningLoopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from clarion._core.accept import Receiver
    from clarion._core.connect import Registration
    from clarion._core.route import Route
    from clarion._core.signal import Signal

    Arguments = dict[str, Any]
    Calls = list[tuple[Receiver, Arguments]]
    Members = list[tuple[Registration, Receiver]]
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
        audience = _audience(route)
        if loops.is_loop_running():
            _refuse_to_await(send, audience)
        for mode, members in audience:
            if mode is not ASYNC:
                _call_all(send, members, errors)
            elif ready := list(_ready(send, members)):
                send.responses += signal._complete(_await_all(send, ready, errors))
    return send.responses


async def arun(
    signal: Signal, route: Route, arguments: Arguments, errors: type[Propagate | Collect]
) -> Responses:
    """Await the receivers of a route, stage by stage; take a thread for what is sync."""
    with Send(signal, arguments, route.instruments) as send:
        for mode, members in _audience(route):
            if mode is ASYNC:
                send.responses += await _await_all(send, list(_ready(send, members)), errors)
            elif mode is SYNC:
                # `members` are still these: the call is over before the next turn.
                await signal._hop(lambda: _call_all(send, members, errors))  # noqa: B023
            else:
                _call_all(send, members, errors)
    return send.responses


def _audience(route: Route) -> list[tuple[str, Members]]:
    # Who is alive now is held until the send ends: a send does not depend on who dies
    # amid it.
    return [(stage.mode, stage.live()) for stage in route.stages]


def _call_all(send: Send, members: Members, errors: type[Propagate | Collect]) -> None:
    for receiver, arguments in _ready(send, members):
        send.responses.append((receiver, errors.call(send.signal, receiver, arguments)))


async def _await_all(send: Send, ready: Calls, errors: type[Propagate | Collect]) -> Responses:
    answers = await loops.together(
        [errors.acall(send.signal, receiver, arguments) for receiver, arguments in ready]
    )
    return [(receiver, answer) for (receiver, _), answer in zip(ready, answers, strict=True)]


def _ready(send: Send, members: Members) -> Iterator[tuple[Receiver, Arguments]]:
    """Yield those of a stage that are to be called, each with its arguments."""
    for registration, receiver in members:
        if not send.admits(receiver) or not registration.claim():
            continue
        if registration.once:
            send.signal._table.discard(registration)
        if registration.wants_signal:
            yield receiver, {**send.arguments, "signal": send.signal}
        else:
            yield receiver, send.arguments


def _refuse_to_await(send: Send, audience: list[tuple[str, Members]]) -> None:
    waiting = [
        described(receiver)
        for mode, members in audience
        for registration, receiver in members
        if mode is ASYNC and not registration.is_spent and send.admits(receiver)
    ]
    if waiting:
        raise RunningLoopError(
            f"Signal {signal_name(send.signal)} was sent inside a running event loop, where send() "
            f"cannot await {', '.join(waiting)}. Use `await signal.asend(...)` there.",
            waiting,
        )
