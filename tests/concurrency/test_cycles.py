"""The payload of a failing receiver is freed at once: `freed` asserts it without the collector."""

import asyncio
import sqlite3
import threading
from contextlib import suppress

import pytest

from clarion import Signal, on_commit
from clarion._core.instrument import Instrument, attach
from clarion.commit import atomic
from tests.concurrency.freed import freed


class Listener:
    """An object with receivers that fail."""

    def method(self, payload, **kwargs):
        """Fail."""
        raise ValueError

    async def async_method(self, payload, **kwargs):
        """Fail when awaited."""
        raise ValueError


def fail(payload, **kwargs):
    """Fail."""
    raise ValueError


async def fail_when_awaited(payload, **kwargs):
    """Fail in the first step."""
    raise ValueError


async def fail_later(payload, **kwargs):
    """Fail after a step."""
    await asyncio.sleep(0)
    raise ValueError


def answer(payload, **kwargs):
    """Answer."""
    return 1


async def answer_later(payload, **kwargs):
    """Answer after a step."""
    await asyncio.sleep(0)


listener = Listener()
LATER = {"delivery": on_commit}

RECEIVERS = {
    "sync": [(fail, {})],
    "second": [(answer, {}), (fail, {})],
    "method": [(listener.method, {})],
    "once": [(fail, {"once": True})],
    "inline": [(fail, {"inline": True})],
    "async": [(fail_when_awaited, {})],
    "async later": [(fail_later, {})],
    "async once": [(fail_when_awaited, {"once": True})],
    "async method": [(listener.async_method, {})],
    "several": [(fail_when_awaited, {}), (fail_later, {})],
    "one of several": [(answer_later, {}), (fail_later, {})],
    "first of several": [(fail_when_awaited, {}), (answer_later, {})],
    "both kinds": [(fail, {}), (fail_when_awaited, {})],
    "async after sync": [(answer, {}), (fail_later, {})],
    "on_commit": [(fail, LATER)],
    "two on_commit": [(fail, LATER), (answer, LATER)],
    "async on_commit": [(fail_when_awaited, LATER)],
    "async on_commit later": [(fail_later, LATER)],
}


def send(signal, take, *, robust):
    """Send, and drop the error or the responses."""
    with suppress(ValueError, ExceptionGroup):
        responses = (signal.send_robust if robust else signal.send)(None, payload=take())
        del responses


async def asend(signal, take, *, robust):
    """Send as `send`."""
    with suppress(ValueError, ExceptionGroup):
        responses = await (signal.asend_robust if robust else signal.asend)(None, payload=take())
        del responses


def send_in_a_block(signal, take, *, robust):
    """Send in a transaction."""
    with atomic():
        send(signal, take, robust=robust)


async def asend_in_a_block(signal, take, *, robust):
    """Send in a transaction."""
    async with atomic():
        await asend(signal, take, robust=robust)


@pytest.fixture
def signal():
    """Return a signal with a name, which an error would search in all modules otherwise."""
    return Signal(name="tests.cycles.sent")


WAYS = [send, asend, send_in_a_block, asend_in_a_block]


def run(function, *given, **named):
    """Call a function, and await what it returns."""
    made = function(*given, **named)
    if asyncio.iscoroutine(made):
        asyncio.run(made)


@pytest.mark.parametrize("robust", [False, True], ids=["", "robust"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("receivers", RECEIVERS.values(), ids=RECEIVERS.keys())
def test_payload_is_freed(signal, receivers, way, robust):
    """The payload is freed once the sender has dropped the error or the responses."""
    for receiver, options in receivers:
        signal.connect(receiver, **options)
    with freed() as take:
        run(way, signal, take, robust=robust)


@pytest.mark.parametrize("way", [send, asend], ids=lambda way: way.__name__)
def test_payload_of_a_watched_send_is_freed(signal, way):
    """An instrument that keeps no send does not keep the payload alive."""
    signal.connect(fail)
    signal.connect(fail_later)
    attach(Instrument(), signal)
    for robust in (False, True):
        with freed() as take:
            run(way, signal, take, robust=robust)


@pytest.mark.parametrize("robust", [False, True], ids=["", "robust"])
def test_payload_of_nested_sends_is_freed(signal, robust):
    """An error that passes two sends keeps no payload alive."""
    inner = Signal(name="tests.cycles.inner")
    inner.connect(fail)
    inner.connect(fail_later)

    def forward(payload, **kwargs):
        inner.send(None, payload=payload)

    async def aforward(payload, **kwargs):
        await inner.asend(None, payload=payload)

    signal.connect(forward)
    signal.connect(aforward)
    for way in (send, asend):
        with freed() as take:
            run(way, signal, take, robust=robust)


def interrupt(**kwargs):
    """Raise a BaseException that is not an Exception."""
    raise KeyboardInterrupt


def test_payload_is_freed_after_an_interrupt(signal):
    """The errors before an interrupt are dropped, too."""
    signal.connect(fail)
    signal.connect(interrupt)
    for receiver in (None, fail_later):
        if receiver:
            signal.connect(receiver)
        with freed() as take, suppress(KeyboardInterrupt):
            signal.send_robust(None, payload=take())


async def cancelled(coroutine, *events):
    """Cancel a task twice, once it is suspended."""
    task = asyncio.create_task(coroutine)
    for _ in range(2):
        await asyncio.sleep(0.01)
        task.cancel()
    for event in events:
        event.set()
    with suppress(asyncio.CancelledError, ValueError, ExceptionGroup):
        await task
    del task  # the error holds this frame


@pytest.mark.parametrize("robust", [False, True], ids=["", "robust"])
def test_payload_of_a_cancelled_send_is_freed(signal, robust):
    """Receivers that fail when they are cancelled keep no payload alive."""

    async def fail_at_last(payload, **kwargs):
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError

    for _ in range(2):
        signal.connect(fail_at_last, dispatch_uid=object())
    with freed() as take:
        asyncio.run(cancelled(asend(signal, take, robust=robust)))


@pytest.mark.parametrize("robust", [False, True], ids=["", "robust"])
def test_payload_of_a_cancelled_thread_call_is_freed(signal, robust):
    """A receiver that fails after its sender was cancelled keeps no payload alive."""
    goes_on = threading.Event()

    def fail_at_last(payload, **kwargs):
        goes_on.wait()
        raise ValueError

    signal.connect(fail_at_last)
    with freed() as take:
        asyncio.run(cancelled(asend(signal, take, robust=robust), goes_on))


def test_payload_of_a_task_left_behind_is_freed(signal):
    """A task that the end of a sync send cancels keeps no payload alive."""

    async def wait(payload):
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError

    async def leave(payload, **kwargs):
        asyncio.get_running_loop().create_task(wait(payload))
        await asyncio.sleep(0)

    signal.connect(leave)
    with freed() as take:
        signal.send(None, payload=take())


class Failing:
    """A connection that cannot commit."""

    def commit(self):
        """Fail."""
        raise ValueError

    def rollback(self):
        """Do nothing."""


class AsyncFailing:
    """An async connection that cannot commit."""

    def __init__(self):
        self.goes_on = asyncio.Event()

    async def commit(self):
        """Fail, once the event is set."""
        await self.goes_on.wait()
        raise ValueError

    async def rollback(self):
        """Do nothing."""


def a_block(take):
    """Raise in a block, and in one that has a transaction and a savepoint."""
    payload = take()
    with suppress(ValueError), atomic():
        raise ValueError(payload)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with suppress(ValueError), atomic(connection), atomic():
        raise ValueError(payload)
    connection.close()


def a_commit(take):
    """Fail to commit."""
    payload = take()
    with suppress(ValueError), atomic(Failing()):
        assert payload


async def an_async_block(take):
    """Raise in a block."""
    payload = take()
    with suppress(ValueError):
        async with atomic():
            await asyncio.sleep(0)
            raise ValueError(payload)


async def an_async_commit(take):
    """Fail to commit."""
    payload = take()
    connection = AsyncFailing()
    with suppress(ValueError):
        async with atomic(connection):
            assert payload
            asyncio.get_running_loop().call_soon(connection.goes_on.set)


async def a_cancelled_commit(take):
    """Cancel a COMMIT."""

    connection = AsyncFailing()

    async def work(payload):
        async with atomic(connection):
            assert payload

    await cancelled(work(take()), connection.goes_on)


@pytest.mark.parametrize(
    "work",
    [
        a_block,
        a_commit,
        an_async_block,
        an_async_commit,
        a_cancelled_commit,
    ],
)
def test_block_that_fails_keeps_nothing(work):
    """Neither the error of a block nor that of its COMMIT is in a reference cycle."""
    with freed() as take:
        run(work, take)
