"""Errors of receivers whose sender was cancelled are logged: the sender cannot raise them."""

import asyncio
import logging
import threading

import pytest

from clarion._core import threads
from tests.core.receivers import answering_async


class LateError(Exception):
    """The error that a receiver raises after its sender was cancelled."""


def cancelled(send, begun, go_on):
    """Cancel a send while its receiver runs; let the receiver end, and await the send."""

    async def main():
        task = asyncio.ensure_future(send())
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


@pytest.fixture
def late():
    """Return a sync receiver that fails when it may go on, with the two events."""
    begun, go_on = threading.Event(), threading.Event()

    def late(**kwargs):
        begun.set()
        assert go_on.wait(60)
        raise LateError

    return late, begun, go_on


def check_logged(caplog, name):
    """Assert that one error was logged, which names the receiver."""
    [record] = [each for each in caplog.records if each.name == "clarion"]
    assert record.levelno == logging.ERROR
    assert name in record.getMessage()
    assert isinstance(record.exc_info[1], LateError)


def test_an_error_in_the_thread_is_logged(signal, late, caplog):
    """The error of a sync receiver after the cancellation is logged once, with its name."""
    receiver, begun, go_on = late
    signal.connect(receiver)
    cancelled(lambda: signal.asend(None), begun, go_on)
    check_logged(caplog, "late of signal")


def test_a_robust_send_logs_it_once(signal, late, caplog):
    """A robust send logs the error as any error of a receiver, and not again."""
    receiver, begun, go_on = late
    signal.connect(receiver)
    cancelled(lambda: signal.asend_robust(None), begun, go_on)
    check_logged(caplog, "late")


def test_the_call_of_one_receiver(signal, late, caplog):
    """`call_in_thread` logs the error of a single receiver in the same way."""
    receiver, begun, go_on = late
    cancelled(lambda: threads.call_in_thread(signal, receiver, {}), begun, go_on)
    check_logged(caplog, "late of signal")


def test_an_error_that_is_raised_is_not_logged(signal, caplog):
    """Without a cancellation the sender raises the error, and nothing is logged."""

    def failing(**kwargs):
        raise LateError

    signal.connect(failing)

    async def main():
        with pytest.raises(LateError):
            await signal.asend(None)
        with pytest.raises(LateError):
            await threads.call_in_thread(signal, failing, {})

    asyncio.run(main())
    assert not caplog.records


def test_an_async_receiver_that_fails_while_it_is_cancelled(signal, caplog):
    """The error of a cancelled async receiver is logged: its sender raises the cancellation."""

    async def main():
        begun = asyncio.Event()

        async def late(**kwargs):
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise LateError

        signal.connect(late)
        signal.connect(answering_async(1))
        task = asyncio.ensure_future(signal.asend(None))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    check_logged(caplog, "late")
