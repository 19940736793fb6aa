"""The slow path of a send, for routes where it has more to do than to call the receivers.

A send takes it when a receiver is async, is connected with `once=True`, requests something
or has a delivery, and when an instrument watches. An `asend` also takes it when a receiver needs
a worker thread. The four sends differ here in two ways: a sync send calls `run`, an async one
`arun`; and errors propagate or, in a robust send, are responses.
"""

from __future__ import annotations

from functools import partial

from clarion._core import loops
from clarion._core.batches import Batches, adeliver_batches, deliver_batches, send_batch
from clarion._core.call import adeliver, arguments_of, claim, deliver, must_await
from clarion._core.instrument import Send
from clarion._core.names import described, signal_name
from clarion._core.notes import (
    add_receiver_note,
    log_cancelled_failure,
    log_receiver_failure,
)
from clarion._core.route import ASYNC, DEFERRED, SYNC, batch_of
from clarion._core.tabled import policy_of
from clarion._core.threads import run_in_thread
from clarion.errors import RunningLoopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any

    from clarion._core.registration import Registration
    from clarion._core.route import LiveStages, Members, Route
    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver
    from clarion._core.threads import Failed

    Arguments = dict[str, Any]
    Call = tuple[Registration, Receiver, Arguments]
    Responses = list[tuple[Receiver, Any]]
    RunCoroutine = Callable[[Coroutine[Any, Any, Any]], Any]
    # Raises for a signal and the names of the receivers that cannot be awaited.
    Refuse = Callable[[Signal, list[str]], None]


def refuse_to_await(signal: Signal, receivers: list[str]) -> None:
    """Raise the error of a sync send that would have to await these receivers."""
    raise RunningLoopError(
        f"Signal {signal_name(signal)} was sent inside a running event loop, where send() "
        f"cannot await {', '.join(receivers)}. Use `await signal.asend(...)` there.",
        receivers,
    )


def run(
    signal: Signal,
    route: Route,
    arguments: Arguments,
    *,
    robust: bool,
    run_coroutine: RunCoroutine | None = None,
    refuse: Refuse = refuse_to_await,
) -> Responses:
    """Call the receivers of a route, stage by stage.

    Args:
        signal: the signal that is sent.
        route: the route of its sender.
        arguments: what each receiver is called with.
        robust: whether errors are responses.
        run_coroutine: awaits one coroutine although an event loop may run in this thread.
            Async receivers are then awaited one after another. By default the signal's
            policy runs all coroutines of a stage.
        refuse: raises the error if an event loop runs and nothing can await there.
    """
    if route.only_batch is not None:
        return send_batch(signal, route, arguments, robust=robust)
    if route.single_async is not None and not loops.is_loop_running():
        return _run_single(signal, route.single_async, arguments, robust=robust)
    with Send(signal, arguments, route.instruments) as send:
        stages, batches = route.live_stages(), None
        if route.may_await and run_coroutine is None and loops.is_loop_running():
            _check_awaited(send, stages, refuse)
        for mode, members in stages:
            if mode is DEFERRED:
                batches = _deliver_all(send, members, batches, robust=robust)
            elif mode is not ASYNC:
                _call_all(send, members, robust=robust)
            else:
                _run_async(send, members, run_coroutine, robust=robust)
        if batches is not None:
            deliver_batches(send, batches, robust=robust)
    return send.take_responses()


def _run_async(
    send: Send, members: Members, run_coroutine: RunCoroutine | None, *, robust: bool
) -> None:
    if run_coroutine is not None:
        for each in _ready(send, members):
            send.responses += run_coroutine(_await_all(send, [each], robust=robust))
    elif ready := list(_ready(send, members)):
        awaited = _await_all(send, ready, robust=robust)
        send.responses += policy_of(send.signal).run_coroutine(awaited)


def _run_single(
    signal: Signal, registration: Registration, arguments: Arguments, *, robust: bool
) -> Responses:
    if (receiver := registration.live()) is None:
        return []
    awaited = _await(None, signal, receiver, arguments, robust=robust)
    return [(receiver, policy_of(signal).run_coroutine(awaited))]


async def arun(signal: Signal, route: Route, arguments: Arguments, *, robust: bool) -> Responses:
    """Await the receivers of a route, stage by stage; call sync ones in a worker thread."""
    with Send(signal, arguments, route.instruments) as send:
        stages, batches = route.live_stages(), None
        _check_deferred(send, stages)
        for mode, members in stages:
            if mode is ASYNC:
                if ready := list(_ready(send, members)):
                    send.responses += await _await_all(send, ready, robust=robust)
            elif mode is SYNC:
                await run_in_thread(signal, partial(_call_all, send, members, robust=robust))
            elif mode is DEFERRED:
                batches = await _adeliver_all(send, members, batches, robust=robust)
            else:
                _call_all(send, members, robust=robust)
        if batches is not None:
            await adeliver_batches(send, batches, robust=robust)
    return send.take_responses()


def _ready(send: Send, members: Members) -> Iterator[Call]:
    """Yield the members of a stage that are to be called, each with its arguments."""
    for registration, receiver in members:
        if send.instruments and not send.allows(receiver):
            continue
        # A delivery claims the only call when it makes it.
        is_claimed_here = registration.once and registration.delivery is None
        if is_claimed_here and not claim(send.signal, registration):
            continue
        arguments = send.arguments
        if registration.requested:
            arguments = arguments_of(send.signal, registration, arguments)
        yield registration, receiver, arguments


def _call_all(send: Send, members: Members, failed: Failed | None = None, *, robust: bool) -> None:
    for _, receiver, arguments in _ready(send, members):
        try:
            # Without a variable for the response, here and below: an error may hold this frame.
            send.responses.append((receiver, _call(send, receiver, arguments, robust=robust)))
        except Exception as error:
            if failed is not None:
                failed.append((receiver, error))
            raise


def _deliver_all(
    send: Send, members: Members, batches: Batches | None, *, robust: bool
) -> Batches | None:
    """Deliver to each member, but keep those that a batch takes; return the batches."""
    for registration, receiver, arguments in _ready(send, members):
        if (batch := batch_of(registration)) is not None:
            batches = batches or Batches()
            batches.keep(batch, (registration, receiver, arguments), send)
            continue
        send.responses.append(
            (receiver, _call(send, receiver, arguments, robust=robust, to=registration))
        )
    return batches


async def _adeliver_all(
    send: Send, members: Members, batches: Batches | None, *, robust: bool
) -> Batches | None:
    for registration, receiver, arguments in _ready(send, members):
        if (batch := batch_of(registration)) is not None:
            batches = batches or Batches()
            batches.keep(batch, (registration, receiver, arguments), send)
            continue
        awaited = _await(send, send.signal, receiver, arguments, robust=robust, to=registration)
        send.responses.append((receiver, await awaited))
    return batches


def _call(
    send: Send,
    receiver: Receiver,
    arguments: Arguments,
    *,
    robust: bool,
    to: Registration | None = None,
) -> Any:
    """Call a receiver, or deliver `to` its registration; in a robust send, return its error."""
    try:
        if send.instruments:
            with send.call(receiver, to) as call:
                if to is None:
                    call.response = receiver(**arguments)
                else:
                    call.response = deliver(send.signal, to, receiver, arguments)
                return call.response
        if to is None:
            return receiver(**arguments)
        return deliver(send.signal, to, receiver, arguments)
    except Exception as error:
        if not robust:
            add_receiver_note(error, send.signal, receiver)
            raise
        log_receiver_failure(send.signal, receiver, error)
        return error


async def _await_all(send: Send, ready: list[Call], *, robust: bool) -> Responses:
    if len(ready) == 1:
        _, receiver, arguments = ready[0]
        return [(receiver, await _await(send, send.signal, receiver, arguments, robust=robust))]
    receivers = [receiver for _, receiver, _ in ready]

    def log_lost(place: int, error: Exception) -> None:
        log_cancelled_failure(send.signal, receivers[place], error)

    # Given on without a variable: an error holds this frame, and its task holds the error.
    return _responses(
        send.signal,
        receivers,
        await loops.gather(_coroutines(send, ready), robust=robust, log_lost=log_lost),
        robust=robust,
    )


async def _await(
    send: Send | None,  # None if nothing watches
    signal: Signal,
    receiver: Receiver,
    arguments: Arguments,
    *,
    robust: bool,
    to: Registration | None = None,
) -> Any:
    try:
        if send is not None and send.instruments:
            with send.call(receiver, to) as call:
                if to is None:
                    call.response = await receiver(**arguments)
                else:
                    call.response = await adeliver(signal, to, receiver, arguments)
                return call.response
        if to is None:
            return await receiver(**arguments)
        return await adeliver(signal, to, receiver, arguments)
    except Exception as error:
        if not robust:
            add_receiver_note(error, signal, receiver)
            raise
        log_receiver_failure(signal, receiver, error)
        return error


def _coroutines(send: Send, ready: list[Call]) -> list[Coroutine[Any, Any, Any]]:
    """Return a coroutine for each receiver's task: its own, if calling it runs nothing yet."""
    coroutines: list[Coroutine[Any, Any, Any]] = []
    for registration, receiver, arguments in ready:
        if registration.is_native and not send.instruments:
            try:
                coroutines.append(receiver(**arguments))
                continue
            except TypeError:
                pass  # it does not accept the call: its task raises that again
        coroutines.append(_call_and_await(send, receiver, arguments))
    return coroutines


async def _call_and_await(send: Send, receiver: Receiver, arguments: Arguments) -> Any:
    if not send.instruments:
        return await receiver(**arguments)
    with send.call(receiver) as call:
        call.response = await receiver(**arguments)
        return call.response


def _responses(
    signal: Signal, receivers: list[Receiver], tasks: list[Task[Any]], *, robust: bool
) -> Responses:
    """Return the responses of receivers that have run in tasks, or raise what they raised."""
    task = None
    try:
        for task in tasks:
            if task.cancelled() or task.exception() is not None:
                _check_failures(signal, receivers, tasks, robust=robust)
                break
        called = zip(receivers, tasks, strict=True)
        # For a task that the receiver cancelled, this raises CancelledError.
        return [(receiver, each.exception() or each.result()) for receiver, each in called]
    finally:
        del tasks, task  # an error that is raised holds this frame


def _check_failures(
    signal: Signal, receivers: list[Receiver], tasks: list[Task[Any]], *, robust: bool
) -> None:
    """Log the errors of tasks or add notes to them; raise those that end the send."""
    fatal: list[BaseException] = []
    task = error = None
    for receiver, task in zip(receivers, tasks, strict=True):
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and robust:
            log_receiver_failure(signal, receiver, error)
            continue
        if isinstance(error, Exception):
            add_receiver_note(error, signal, receiver)
        if error is not None:
            fatal.append(error)
    del tasks, task, error  # an error that is raised holds this frame
    if fatal:
        raise fatal.pop() if len(fatal) == 1 else _group(fatal)


def _group(errors: list[BaseException]) -> BaseException:
    return BaseExceptionGroup("several receivers failed", errors)


def _check_deferred(send: Send, stages: LiveStages) -> None:
    """Let deliveries refuse async receivers that nothing will await, before any call."""
    for mode, members in stages:
        if mode is DEFERRED:
            for registration, receiver in members:
                if registration.is_async and not registration.is_spent and send.allows(receiver):
                    must_await(send.signal, registration, receiver, send.arguments)


def _check_awaited(send: Send, stages: LiveStages, refuse: Refuse) -> None:
    """Refuse the send if it would have to await a receiver, before any call."""
    awaited = [
        described(receiver)
        for _, members in stages
        for registration, receiver in members
        if not registration.is_spent
        and send.allows(receiver)
        and must_await(send.signal, registration, receiver, send.arguments)
    ]
    if awaited:
        refuse(send.signal, awaited)
