"""Memory stays flat while senders and receivers come and go."""

import asyncio
import gc
import tracemalloc

import pytest

from tests.logs import without_log

COUNT = 5_000

# A leak of one object for each send would be several times this.
TOLERANCE = 50_000  # bytes


class Sender:
    """A sender that can have subclasses."""


class Listener:
    """An object with methods that are receivers."""

    def method(self, **kwargs):
        """Return the object."""
        return self

    async def async_method(self, **kwargs):
        """Return the object when awaited."""
        return self


def raising(**kwargs):
    """Raise a ValueError."""
    raise ValueError("no")


def grown(work, count):
    """Return how many bytes of memory repeated calls of a function add after a warm-up."""
    with without_log():
        return _grown(work, count)


def _grown(work, count):
    for number in range(count // 4):
        work(number)
    gc.collect()
    tracemalloc.start()
    try:
        work(0)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(count):
            work(number)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


def short_lived_senders(signal):
    """Send from short-lived senders without receivers, and from values used once."""

    def work(number):
        signal.send(Sender())
        signal.send(f"sender {number}")
        signal.send(number)

    signal.connect(Listener().method, weak=False)
    signal.connect(Listener().method, weak=False, sender="shop")
    signal.connect(Listener().method, weak=False, sender=Sender, subclasses=True)
    return work


def short_lived_receivers(signal):
    """Connect short-lived receivers to short-lived senders, with and without a uid."""

    def work(number):
        listener, sender = Listener(), Sender()
        signal.connect(listener.method)
        signal.connect(listener.method, sender=sender, dispatch_uid=("uid", number))
        signal.connect(listener.method, sender="web")
        assert len(signal.send(sender)) == 2

    return work


def reconnected_receivers(signal):
    """Connect and disconnect a long-lived receiver for senders that are values used once."""
    listener = Listener()

    def work(number):
        signal.connect(listener.method, sender=number, priority=number % 3)
        signal.connect(listener.method, sender=str(number), once=True)
        assert len(signal.send(number)) == len(signal.send(str(number))) == 1
        assert signal.disconnect(listener.method, sender=number)

    return work


def reference_cycles(signal):
    """Connect a receiver and a sender that only the garbage collector frees."""

    def work(number):
        listener, sender = Listener(), Sender()
        vars(listener).update(itself=listener, sender=sender)
        signal.connect(listener.method, sender=sender)
        assert len(signal.send(sender)) == 1

    return work


def failing(signal):
    """Raise an error, which gets a note."""

    def work(number):
        with pytest.raises(ValueError, match="no"):
            signal.send(None)

    signal.connect(raising)
    return work


def short_lived_signals(signal):
    """Create signals that die."""
    listener = Listener()

    def work(number):
        short_lived = type(signal)()
        short_lived.connect(listener.method, sender=Sender)
        assert len(short_lived.send(Sender)) == 1

    return work


@pytest.mark.parametrize(
    "scene",
    [
        short_lived_senders,
        short_lived_receivers,
        reconnected_receivers,
        reference_cycles,
        failing,
        short_lived_signals,
    ],
    ids=lambda scene: scene.__name__,
)
def test_memory_is_flat(signal, scene):
    """Senders, receivers and signals that are gone leave no memory behind."""
    assert grown(scene(signal), COUNT) < TOLERANCE


@pytest.mark.slow
def test_memory_is_flat_after_a_million_sends(signal):
    """A million short-lived senders and receivers leave no memory behind."""
    assert grown(short_lived_receivers(signal), 1_000_000) < TOLERANCE


def test_memory_is_flat_with_subclasses(signal):
    """Short-lived classes that send leave no memory behind."""

    def work(number):
        base = type("Base", (Sender,), {})
        derived = type("Derived", (base,), {})
        signal.connect(listener.method, sender=base, subclasses=True)
        assert len(signal.send(derived)) == 2

    listener = Listener()
    signal.connect(listener.method, sender=Sender, subclasses=True)
    assert grown(work, COUNT // 10) < TOLERANCE
    gc.collect()
    assert len(signal._table.buckets) == len(signal._table.subclass_registrations) == 1


def test_memory_is_flat_with_async_receivers(signal):
    """Sync and async sends to async receivers leave no task and no context behind."""

    def work(number):
        listener = Listener()
        signal.connect(listener.async_method)
        signal.connect(listener.method, inline=True)
        assert len(signal.send(None)) == 3

    async def main():
        for _ in range(COUNT // 10):
            listener = Listener()
            signal.connect(listener.async_method)
            assert len(await signal.asend(None)) == 2

    staying = Listener()
    signal.connect(staying.async_method)
    assert grown(work, COUNT // 10) < TOLERANCE
    assert grown(lambda number: asyncio.run(main()), 1) < TOLERANCE
    gc.collect()
    assert len(signal._table.registrations()) == 1
