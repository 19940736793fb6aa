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
        """Accept any receiver."""

    def log_failure(self, signal: Signal, receiver: object, error: Exception) -> None:
        """Log nothing, or raise the given error."""
        if self.kind is not None:
            raise self.kind


def silent() -> Signal:
    """Return a signal that logs nothing."""
    made = Signal()
    set_policy(made, Unchecked())
    return made


def failing_to_log(kind: type[BaseException]) -> Signal:
    """Return a signal whose logging raises this kind of error."""
    made = Signal()
    set_policy(made, Unchecked(kind))
    return made


class NoteRefused(Exception):  # noqa: N818
    """An error that cannot take a note."""

    def add_note(self, note: str) -> None:
        """Raise instead of adding the note."""
        raise LookupError(note)


def finish(coroutine):
    """Run a coroutine that does not suspend, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the coroutine suspends")


def attempt(function, *given, **named):
    """Call a function and await what it returns; ignore the errors of the scenes."""
    with suppress(ValueError, LookupError, TypeError, AttributeError, KeyboardInterrupt):
        result = function(*given, **named)
        if asyncio.iscoroutine(result):
            finish(result)


def in_every_send(made):
    """Return a function that sends with each of the send methods."""

    def work():
        for name in NAMES:
            attempt(getattr(made, name), Sender)

    return work


async def failing_when_awaited(**kwargs):
    """Raise an error when awaited."""
    raise ValueError("no")


async def answering_when_awaited(**kwargs):
    """Return 1 when awaited."""
    return 1


async def uncallable(sender, *, missing, **kwargs):
    """Require a keyword that no send gives."""


async def suspending(**kwargs):
    """Suspend until the test throws an error into the coroutine."""
    await Endless()


class Endless:
    """An awaitable that ends only when an error is thrown into it."""

    def __await__(self):
        yield
