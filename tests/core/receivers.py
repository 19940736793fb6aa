"""Receivers and senders for the core tests, and how a test sends."""

import asyncio
import gc
from collections.abc import Callable
from threading import Thread
from typing import Any


def deliver(kind: str, signal: Any, sender: object = None, /, **named: Any) -> list[Any]:
    """Send with the method of this name; run it to completion if it is async."""
    result = getattr(signal, kind)(sender, **named)
    responses: list[Any] = asyncio.run(result) if kind.startswith("a") else result
    return responses


def answers(responses: list[tuple[Any, Any]]) -> list[Any]:
    """Return the responses without their receivers, in order."""
    return [response for _, response in responses]


def in_thread(function):
    """Return what a function returns in a new thread, whose context is empty."""
    returned = []
    thread = Thread(target=lambda: returned.append(function()))
    thread.start()
    thread.join()
    return returned[0]


def answering(response: Any) -> Callable[..., Any]:
    """Return a receiver with this response."""

    def receiver(**kwargs):
        return response

    return receiver


def answering_async(response: Any) -> Callable[..., Any]:
    """Return an async receiver with this response."""

    async def receiver(**kwargs):
        return response

    return receiver


def raising(error: BaseException) -> Callable[..., Any]:
    """Return a receiver that raises this error."""

    def receiver(**kwargs):
        raise error

    return receiver


def raising_async(error: BaseException) -> Callable[..., Any]:
    """Return an async receiver that raises this error."""

    async def receiver(**kwargs):
        raise error

    return receiver


async def nothing() -> None:
    """Do nothing, awaited."""


def echo(**kwargs):
    """Return all keywords."""
    return kwargs


def echo_value(value, **kwargs):
    """Return the keyword `value`."""
    return value


class Sender:
    """A sender that supports weak references."""


class Slotted:
    """A sender, and an owner of a receiver, without support for weak references."""

    __slots__ = ()

    def method(self, **kwargs):
        """Return a fixed response."""
        return "method"


class Listener:
    """An object with receivers of every kind."""

    def __call__(self, value=None, **kwargs):
        return value

    def method(self, value=None, **kwargs):
        """Return the keyword `value`."""
        return value

    async def async_method(self, value=None, **kwargs):
        """Return the keyword `value`, awaited."""
        return value

    @classmethod
    def class_method(cls, value=None, **kwargs):
        """Return the keyword `value`."""
        return value

    @staticmethod
    def static_method(value=None, **kwargs):
        """Return the keyword `value`."""
        return value


class AsyncListener:
    """An object whose call is async."""

    async def __call__(self, value=None, **kwargs):
        return value


def collect() -> None:
    """Run the garbage collector."""
    gc.collect()


def is_empty(signal: Any) -> bool:
    """Return whether a signal has no registration, no bucket and no dead receiver left."""
    has_listeners = signal.has_listeners()
    table = signal._table
    left = table.registrations(), table.buckets, table.subclass_registrations, table.dead
    return not has_listeners and not any(left)
