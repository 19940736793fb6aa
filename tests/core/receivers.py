"""Receivers and senders for the tests of the core, and how a test sends."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any


def deliver(kind: str, signal: Any, sender: object = None, /, **named: Any) -> list[Any]:
    """Send by the method of this name; run it to completion if it is async."""
    result = getattr(signal, kind)(sender, **named)
    responses: list[Any] = asyncio.run(result) if kind.startswith("a") else result
    return responses


def answers(responses: list[tuple[Any, Any]]) -> list[Any]:
    """Return what was answered, in order."""
    return [response for _, response in responses]


def answering(response: Any) -> Callable[..., Any]:
    """Make a receiver that answers so."""

    def receiver(**kwargs):
        return response

    return receiver


def answering_async(response: Any) -> Callable[..., Any]:
    """Make an async receiver that answers so."""

    async def receiver(**kwargs):
        return response

    return receiver


def raising(error: BaseException) -> Callable[..., Any]:
    """Make a receiver that raises this."""

    def receiver(**kwargs):
        raise error

    return receiver


def raising_async(error: BaseException) -> Callable[..., Any]:
    """Make an async receiver that raises this."""

    async def receiver(**kwargs):
        raise error

    return receiver


def echo(**kwargs):
    """Answer with what was received."""
    return kwargs


def echo_value(value, **kwargs):
    """Answer with the value that was sent."""
    return value


class Sender:
    """A sender that can be weakly referenced."""


class Slotted:
    """A sender, and an owner of a receiver, that cannot be weakly referenced."""

    __slots__ = ()

    def method(self, **kwargs):
        """Answer like a method."""
        return "method"


class Listener:
    """An object with receivers of every kind."""

    def __call__(self, value=None, **kwargs):
        return value

    def method(self, value=None, **kwargs):
        """Answer with the value that was sent."""
        return value

    async def async_method(self, value=None, **kwargs):
        """Answer with the value that was sent, awaited."""
        return value

    @classmethod
    def class_method(cls, value=None, **kwargs):
        """Answer with the value that was sent."""
        return value

    @staticmethod
    def static_method(value=None, **kwargs):
        """Answer with the value that was sent."""
        return value


class AsyncListener:
    """An object that is called asynchronously."""

    async def __call__(self, value=None, **kwargs):
        return value


def collect() -> None:
    """Have the garbage collected."""
    gc.collect()
