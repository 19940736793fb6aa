"""Signals, receivers and senders that fail in the ways that the compiled sends handle."""

import asyncio
from contextlib import suppress
from typing import Any

from clarion import Signal
from clarion.policy import Policy, set_policy
from tests.concurrency.test_leaks import Sender
from tests.twins import NAMES


class Unchecked(Policy):
    """Accepts any receiver and logs nothing, or raises when it should log."""

    def __init__(self, kind: type[BaseException] | None = None) -> None:
        self.kind = kind

    def check_receiver(self, *given: Any, **options: Any) -> None:
        """Accept it."""

    def log_failure(self, signal: Signal, receiver: object, error: Exception) -> None:
        """Log nothing."""
        if self.kind is not None:
            raise self.kind


def silent() -> Signal:
    """Make a signal that logs nothing."""
    made = Signal()
    set_policy(made, Unchecked())
    return made


def failing_to_log(kind: type[BaseException]) -> Signal:
    """Make a signal that cannot log, or is interrupted while it does."""
    made = Signal()
    set_policy(made, Unchecked(kind))
    return made


class Stubborn(Exception):  # noqa: N818
    """Takes no notes."""

    def add_note(self, note: str) -> None:
        """Refuse it."""
        raise LookupError(note)


def finish(coroutine):
    """Take the steps of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


def attempt(function, *given, **named):
    """Call a function, and await what it returns, whatever comes of it."""
    with suppress(ValueError, LookupError, TypeError, AttributeError, KeyboardInterrupt):
        result = function(*given, **named)
        if asyncio.iscoroutine(result):
            finish(result)


def in_all_ways(made):
    """Send in each of the ways."""

    def work():
        for name in NAMES:
            attempt(getattr(made, name), Sender)

    return work


async def failing_when_awaited(**kwargs):
    """Fail."""
    raise ValueError("no")


async def answering_when_awaited(**kwargs):
    """Answer."""
    return 1


async def refusing(sender, *, missing, **kwargs):
    """Cannot be called."""


async def suspending(**kwargs):
    """Wait, for whoever throws."""
    await Forever()


class Forever:
    """Is awaited, and gives up only what is thrown in."""

    def __await__(self):
        yield
