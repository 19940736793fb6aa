"""What the tests of after commit share: a signal, and receivers that take down what they hear."""

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
    monkeypatch.setattr(providers, "_FRAMEWORKS", {})
    monkeypatch.setattr(providers, "_providers", [])
    monkeypatch.setattr(providers, "_module_count", 0)
    monkeypatch.setattr(providers, "_new", deque())


@pytest.fixture
def signal():
    """Return a signal that nobody listens to."""
    return Signal(name="shop.paid")


class Heard(list[Any]):
    """What receivers were sent as `n`, in the order of their calls."""

    def listen(self, signal, *, delivery=on_commit, name=None, **options):
        """Connect a receiver that takes down n, or (name, n); return it."""

        def take(n=None, **kwargs):
            self.append(n if name is None else (name, n))
            return n

        signal.connect(take, delivery=delivery, **options)
        return take

    def listen_async(self, signal, *, delivery=on_commit, name=None, **options):
        """Connect an async one."""

        async def take(n=None, **kwargs):
            self.append(n if name is None else (name, n))
            return n

        signal.connect(take, delivery=delivery, **options)
        return take

    def taken(self):
        """Return what was heard, and begin anew."""
        found = list(self)
        self.clear()
        return found


def counts(signal, place=0):
    """Return what the delivery of a receiver has counted, without what is zero."""
    delivery: Any = registrations(signal)[place].delivery
    return {what: count for what, count in delivery.counts.items() if count}


@pytest.fixture
def heard(signal):
    """Return what an on_commit receiver of the signal hears."""
    found = Heard()
    found.listen(signal)
    return found


class Log(Sequence[str]):
    """The messages that have been logged so far."""

    def __init__(self, caplog):
        self.caplog = caplog

    def __getitem__(self, index):
        return self.caplog.messages[index]

    def __len__(self):
        return len(self.caplog.messages)


@pytest.fixture
def log(caplog):
    """Return what is logged, as messages."""
    return Log(caplog)


class Secret:
    """A sender that tells too much of itself."""

    def __repr__(self):
        return "s3cret"


def only(responses):
    """Return what a send has answered for the only receiver."""
    ((_, scheduled),) = responses
    assert isinstance(scheduled, Scheduled)
    return scheduled


@pytest.fixture(params=["with", "async with", "no block"])
def commit(request):
    """Send and commit in each way: `commit(signal, sender, **named)`."""

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
