"""Fixtures of the commit tests: a signal, and receivers that record their calls."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from clarion import Signal, on_commit
from clarion.commit import Scheduled, atomic, providers
from clarion.introspect import registrations


@pytest.fixture
def _plain_python(monkeypatch):
    """Leave out the frameworks that other tests have loaded."""
    monkeypatch.setattr(providers, "FRAMEWORKS", {})
    monkeypatch.setattr(providers, "_providers", [])
    monkeypatch.setattr(providers, "_module_count", 0)
    monkeypatch.setattr(providers, "_new", deque())


@pytest.fixture
def signal():
    """Return a signal without receivers."""
    return Signal(name="shop.paid")


class Calls(list[Any]):
    """The `n` that receivers were called with, in order."""

    def listen(self, signal, *, delivery=on_commit, name=None, **options):
        """Connect a receiver that records n, or (name, n); return it."""

        def take(n=None, **kwargs):
            self.append(n if name is None else (name, n))
            return n

        signal.connect(take, delivery=delivery, **options)
        return take

    def listen_async(self, signal, *, delivery=on_commit, name=None, **options):
        """Connect an async receiver, as `listen`."""

        async def take(n=None, **kwargs):
            self.append(n if name is None else (name, n))
            return n

        signal.connect(take, delivery=delivery, **options)
        return take

    def taken(self):
        """Return the calls so far, and clear them."""
        found = list(self)
        self.clear()
        return found


def counts(signal, place=0):
    """Return the counts of one receiver that are not zero."""
    delivery: Any = registrations(signal)[place].delivery
    return {what: count for what, count in delivery.counts.items() if count}


@pytest.fixture
def calls(signal):
    """Connect an on_commit receiver to the signal, and return its calls."""
    found = Calls()
    found.listen(signal)
    return found


class Log(Sequence[str]):
    """The messages logged so far."""

    def __init__(self, caplog):
        self.caplog = caplog

    def __getitem__(self, index):
        return self.caplog.messages[index]

    def __len__(self):
        return len(self.caplog.messages)


@pytest.fixture
def log(caplog):
    """Return the log messages."""
    return Log(caplog)


class Secret:
    """A sender whose repr is secret."""

    def __repr__(self):
        return "s3cret"


def only(responses):
    """Return the response of the only receiver."""
    ((_, scheduled),) = responses
    assert isinstance(scheduled, Scheduled)
    return scheduled


@pytest.fixture(params=["with", "async with", "no block"])
def commit(request):
    """Send and commit in one of three ways: `commit(signal, sender, **keywords)`."""

    def block(signal, sender=None, **named):
        with atomic():
            return signal.send(sender, **named)

    def awaited(signal, sender=None, **named):
        async def main():
            async with atomic():
                return await signal.asend(sender, **named)

        return asyncio.run(main())

    def at_once(signal, sender=None, **named):
        return signal.send(sender, **named)

    return {"with": block, "async with": awaited, "no block": at_once}[request.param]
