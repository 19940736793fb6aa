"""Memory stays flat, however many senders and receivers come and go."""

import asyncio
import gc
import tracemalloc

import pytest

from tests.logs import without_log

COUNT = 5_000

# A leak of one object for each send would be several times this.
TOLERANCE = 50_000  # bytes


class Sender:
    """A sender, whose subclasses are senders too."""


class Listener:
    """An object with receivers."""

    def method(self, **kwargs):
        """Answer."""
        return self

    async def async_method(self, **kwargs):
        """Answer when awaited."""
        return self


def raising(**kwargs):
    """Fail."""
    raise ValueError("no")


def grown(work, count):
    """Return by how much memory has grown after calling a function so often, once warm."""
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


def transient_senders(signal):
    """Send by those whom nobody listens to, who die, and by values that do not come back."""

    def work(number):
        signal.send(Sender())
        signal.send(f"sender {number}")
        signal.send(number)

    signal.connect(Listener().method, weak=False)
    signal.connect(Listener().method, weak=False, sender="somebody")
    signal.connect(Listener().method, weak=False, sender=Sender, subclasses=True)
    return work


def transient_receivers(signal):
    """Connect those who die, to senders who die, with and without a uid."""

    def work(number):
        listener, sender = Listener(), Sender()
        signal.connect(listener.method)
        signal.connect(listener.method, sender=sender, dispatch_uid=("uid", number))
        signal.connect(listener.method, sender="web")
        assert len(signal.send(sender)) == 2

    return work


def connected_and_disconnected(signal):
    """Connect and disconnect what lives on, to values that do not come back."""
    listener = Listener()

    def work(number):
        signal.connect(listener.method, sender=number, priority=number % 3)
        signal.connect(listener.method, sender=str(number), once=True)
        assert len(signal.send(number)) == len(signal.send(str(number))) == 1
        assert signal.disconnect(listener.method, sender=number)

    return work


def in_cycles(signal):
    """Connect what only the garbage collector finds."""

    def work(number):
        listener, sender = Listener(), Sender()
        vars(listener).update(itself=listener, sender=sender)
        signal.connect(listener.method, sender=sender)
        assert len(signal.send(sender)) == 1

    return work


def failing(signal):
    """Raise, and be noted."""

    def work(number):
        with pytest.raises(ValueError, match="no"):
            signal.send(None)

    signal.connect(raising)
    return work


def short_lived_signals(signal):
    """Make signals that die."""
    listener = Listener()

    def work(number):
        short_lived = type(signal)()
        short_lived.connect(listener.method, sender=Sender)
        assert len(short_lived.send(Sender)) == 1

    return work


@pytest.mark.parametrize(
    "scene",
    [
        transient_senders,
        transient_receivers,
        connected_and_disconnected,
        in_cycles,
        failing,
        short_lived_signals,
    ],
    ids=lambda scene: scene.__name__,
)
def test_memory_is_flat(signal, scene):
    """Whoever has sent or heard, nothing is left of it once it is gone."""
    assert grown(scene(signal), COUNT) < TOLERANCE


@pytest.mark.slow
def test_memory_is_flat_after_a_million_sends(signal):
    """Transient senders and receivers, a million times."""
    assert grown(transient_receivers(signal), 1_000_000) < TOLERANCE


def test_memory_is_flat_with_subclasses(signal):
    """Classes that are made, send once and die leave nothing behind; they are dear to make."""

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
