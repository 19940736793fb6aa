"""The longer road of a send, for routes that hold more than calls.

It is taken when a receiver is async, may run only once, asked for `signal`, is delivered
to in its own time, or is watched. The four sends come here with the same route and differ
in two ways: whether
the sender waits or awaits (`run`, `arun`), and whether errors reach the sender or, in a
robust send, stand in for the answers.
"""

from __future__ import annotations

from functools import partial

from clarion._core import loops
from clarion._core.instrument import Send
from clarion._core.names import described, signal_name
from clarion._core.notes import add_receiver_note, log_receiver_failure
from clarion._core.route import ASYNC, DEFERRED, SYNC
from clarion._core.tabled import policy_of, table_of
from clarion.errors import RunningLoopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Coroutine, Iterator, Sequence
    from typing import Any

    from clarion._core.registration import Registration
    from clarion._core.route import Route
    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver
    from clarion.delivery import Bound

    Arguments = dict[str, Any]
    Call = tuple[Registration, Receiver, Arguments]
    Members = Sequence[tuple[Registration, Receiver]]
    Responses = list[tuple[Receiver, Any]]


def run(signal: Signal, route: Route, arguments: Arguments, *, robust: bool) -> Responses:
    """Call the receivers of a route, stage by stage; run what is async to completion."""
    if route.single_async is not None and not loops.is_loop_running():
        return _run_alone(signal, route.single_async, arguments, robust=robust)
    with Send(signal, arguments, route.instruments) as send:
        audience = route.audience()
        if route.may_await and loops.is_loop_running():
            _refuse_to_await(send, audience)
        for mode, members in audience:
            if mode is DEFERRED:
                _deliver_all(send, members, robust=robust)
            elif mode is not ASYNC:
                _call_all(send, members, robust=robust)
            elif ready := list(_ready(send, members)):
                send.responses += policy_of(signal).run_coroutine(
                    _await_all(send, ready, robust=robust)
                )
    return send.responses


def _run_alone(
    signal: Signal, registration: Registration, arguments: Arguments, *, robust: bool
) -> Responses:
    receiver = registration.live()
    if receiver is None:
        return []
    awaited = _await(signal, receiver, arguments, robust=robust)
    return [(receiver, policy_of(signal).run_coroutine(awaited))]


async def arun(signal: Signal, route: Route, arguments: Arguments, *, robust: bool) -> Responses:
    """Await the receivers of a route, stage by stage; take a thread for what is sync."""
    with Send(signal, arguments, route.instruments) as send:
        audience = route.audience()
        _refuse_to_defer(send, audience)
        for mode, members in audience:
            if mode is ASYNC:
                if ready := list(_ready(send, members)):
                    send.responses += await _await_all(send, ready, robust=robust)
            elif mode is SYNC:
                call_all = partial(_call_all, send, members, robust=robust)
                await policy_of(signal).run_in_thread(call_all)
            elif mode is DEFERRED:
                await _adeliver_all(send, members, robust=robust)
            else:
                _call_all(send, members, robust=robust)
    return send.responses


def _ready(send: Send, members: Members) -> Iterator[Call]:
    """Yield those of a stage that are to be called, each with its arguments."""
    for registration, receiver in members:
        if send.instruments and not send.admits(receiver):
            continue
        # The property `once` costs a call. What is delivered later has its only call then.
        if registration._tokens is not None and registration.delivery is None:
            if not registration.claim():
                continue
            table_of(send.signal).discard(registration)
        arguments = _given(send, registration) if registration.requested else send.arguments
        yield registration, receiver, arguments


def _given(send: Send, registration: Registration) -> Arguments:
    """Return what a receiver is called with that asks for more than is sent."""
    provide = policy_of(send.signal).provide
    return {
        **send.arguments,
        **{name: provide(send.signal, name, send.arguments) for name in registration.requested},
    }


def _call_all(send: Send, members: Members, *, robust: bool) -> None:
    for _, receiver, arguments in _ready(send, members):
        send.responses.append((receiver, _call(send.signal, receiver, arguments, robust=robust)))


def _deliver_all(send: Send, members: Members, *, robust: bool) -> None:
    for registration, receiver in members:
        if send.instruments and not send.admits(receiver):
            continue
        arguments = _given(send, registration) if registration.requested else send.arguments
        response = _call(send.signal, receiver, arguments, robust=robust, to=registration)
        send.responses.append((receiver, response))


async def _adeliver_all(send: Send, members: Members, *, robust: bool) -> None:
    for registration, receiver, arguments in _ready(send, members):
        response = await _await(send.signal, receiver, arguments, robust=robust, to=registration)
        send.responses.append((receiver, response))


def _delivery(registration: Registration) -> Bound:
    return registration.delivery  # type: ignore[return-value]  # those of this stage have one


def _call(
    signal: Signal,
    receiver: Receiver,
    arguments: Arguments,
    *,
    robust: bool,
    to: Registration | None = None,
) -> Any:
    """Call a receiver, or deliver to it by its registration; answer with what it raises if robust."""
    try:
        if to is None:
            return receiver(**arguments)
        return _delivery(to).send(signal, to, receiver, **arguments)
    except Exception as error:
        if not robust:
            add_receiver_note(error, signal, receiver)
            raise
        log_receiver_failure(signal, receiver, error)
        return error


async def _await_all(send: Send, ready: list[Call], *, robust: bool) -> Responses:
    if len(ready) == 1:
        _, receiver, arguments = ready[0]
        return [(receiver, await _await(send.signal, receiver, arguments, robust=robust))]
    tasks = await loops.gather(_coroutines(ready), robust=robust)
    heard = [(receiver, task) for (_, receiver, _), task in zip(ready, tasks, strict=True)]
    for task in tasks:
        if task.cancelled() or task.exception() is not None:
            return _outcomes(send.signal, heard, robust=robust)
    return [(receiver, task.result()) for receiver, task in heard]


async def _await(
    signal: Signal,
    receiver: Receiver,
    arguments: Arguments,
    *,
    robust: bool,
    to: Registration | None = None,
) -> Any:
    try:
        if to is None:
            return await receiver(**arguments)
        return await _delivery(to).asend(signal, to, receiver, **arguments)
    except Exception as error:
        if not robust:
            add_receiver_note(error, signal, receiver)
            raise
        log_receiver_failure(signal, receiver, error)
        return error


def _coroutines(ready: list[Call]) -> list[Coroutine[Any, Any, Any]]:
    """Return what awaits each receiver in a task: its own coroutine, if nothing of it runs yet."""
    coroutines: list[Coroutine[Any, Any, Any]] = []
    for registration, receiver, arguments in ready:
        if registration.is_native:
            try:
                coroutines.append(receiver(**arguments))
                continue
            except TypeError:
                pass  # it cannot be called so, which is for its task to say
        coroutines.append(_call_and_await(receiver, arguments))
    return coroutines


async def _call_and_await(receiver: Receiver, arguments: Arguments) -> Any:
    return await receiver(**arguments)


def _outcomes(
    signal: Signal, heard: list[tuple[Receiver, Task[Any]]], *, robust: bool
) -> Responses:
    """Log or blame what tasks have raised, and raise what the sender must hear of."""
    fatal: list[BaseException] = []
    task = error = None
    for receiver, task in heard:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and robust:
            log_receiver_failure(signal, receiver, error)
            continue
        if isinstance(error, Exception):
            add_receiver_note(error, signal, receiver)
        if error is not None:
            fatal.append(error)
    if not fatal:
        # Of a task that was cancelled from within, this raises CancelledError.
        return [(receiver, task.exception() or task.result()) for receiver, task in heard]
    del heard, task, error  # which hold errors that are to hold this frame
    raise fatal.pop() if len(fatal) == 1 else BaseExceptionGroup("several receivers failed", fatal)


def _is_awaited(send: Send, mode: str, registration: Registration, receiver: Receiver) -> bool:
    """Tell whether a send has to await a receiver of a stage of this mode."""
    if mode is DEFERRED and registration.is_async:
        return _delivery(registration).awaits(send.signal, receiver, **send.arguments)
    return mode is ASYNC


def _refuse_to_defer(send: Send, audience: list[tuple[str, Members]]) -> None:
    """Have deliveries refuse async receivers that nothing will await, before any is called."""
    for mode, members in audience:
        if mode is DEFERRED:
            for registration, receiver in members:
                if registration.is_async and not registration.is_spent and send.admits(receiver):
                    _is_awaited(send, mode, registration, receiver)


def _refuse_to_await(send: Send, audience: list[tuple[str, Members]]) -> None:
    waiting = [
        described(receiver)
        for mode, members in audience
        for registration, receiver in members
        if not registration.is_spent
        and send.admits(receiver)
        and _is_awaited(send, mode, registration, receiver)
    ]
    if waiting:
        raise RunningLoopError(
            f"Signal {signal_name(send.signal)} was sent inside a running event loop, where send() "
            f"cannot await {', '.join(waiting)}. Use `await signal.asend(...)` there.",
            waiting,
        )
