"""Receivers, senders and signals that die while other threads send."""

import gc
import itertools
import threading
import weakref
from typing import Any

import pytest

from clarion._core import registry
from clarion._core.instrument import Instrument, attach, detach
from tests.concurrency.threads import at_once

pytestmark = pytest.mark.usefixtures("_hasty", "_quick_collection")


THREADS = 6


ROUNDS = 120


class Sender:
    """A sender, whose subclasses are senders too."""


class Listener:
    """An object with a receiver."""

    def method(self, **kwargs):
        """Answer."""
        return self


def answering(response):
    """Make a receiver that answers so."""
    return lambda **kwargs: response


def answers(responses):
    """Return what was answered."""
    return [response for _, response in responses]


def is_clean(signal):
    """Tell whether nothing is left of any registration."""
    table = signal._table
    return table.registrations() == [] and not table.buckets and not table.subclass_registrations


def churn(signal, rounds):
    """Make a function that connects to and disconnects from everybody's sender."""

    def run():
        receiver = answering("churn")
        for sender in itertools.islice(itertools.cycle([None, "web", Sender]), rounds):
            signal.connect(receiver, sender=sender, dispatch_uid=threading.get_ident())
            signal.disconnect(sender=sender, dispatch_uid=threading.get_ident())

    return run


def test_the_dying_leave_no_trace(signal):
    """Receivers and senders that come and go, in garbage collections of every thread."""

    def work():
        for number in range(ROUNDS):
            listener: Any = Listener()
            sender: Any = Sender()
            kind = type("Transient", (Sender,), {})
            signal.connect(listener.method, sender=sender)
            signal.connect(listener.method, sender=kind, subclasses=True)
            signal.connect(listener.method)
            assert answers(signal.send(sender)).count(listener) == 2
            assert answers(signal.send(kind)).count(listener) == 2
            listener.itself = listener
            sender.kind = kind
            del listener, sender, kind
            if not number % 10:
                gc.collect()

    at_once(*[work] * THREADS, churn(signal, 4 * ROUNDS))
    gc.collect()
    signal.send(None)
    assert is_clean(signal)


def test_finalisers_may_do_anything(signal):
    """A `__del__` that connects, disconnects and sends, amid all of these, deadlocks nobody."""
    finalised = []

    class Dying:
        def __init__(self):
            self.itself = self  # so that the garbage collector finds it, anywhere
            signal.connect(self.method, sender="web")

        def method(self, **kwargs):
            return 1

        def __del__(self):
            uid = ("finaliser", id(self))
            signal.connect(answering("late"), sender="web", dispatch_uid=uid)
            signal.send("web")
            assert signal.disconnect(sender="web", dispatch_uid=uid)
            finalised.append(1)

    def work():
        for number in range(ROUNDS):
            Dying()
            signal.connect(answering(number), dispatch_uid=threading.get_ident())
            signal.send("web")
            signal.disconnect(dispatch_uid=threading.get_ident())

    threshold = gc.get_threshold()
    gc.set_threshold(50, 2, 2)
    try:
        at_once(work, times=THREADS)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert len(finalised) == ROUNDS * THREADS
    assert is_clean(signal)


def test_weakref_callbacks_may_do_anything(signal):
    """So may callbacks of weak references, which run where a registration dies as well."""
    called = []

    def work():
        for number in range(ROUNDS):
            listener = Listener()
            uid = threading.get_ident(), number

            def callback(uid=uid):
                signal.connect(answering(uid), dispatch_uid=uid)
                assert uid in answers(signal.send(None))
                assert signal.disconnect(dispatch_uid=uid)
                called.append(uid)

            weakref.finalize(listener, callback)
            signal.connect(listener.method)
            weakref.finalize(listener, signal.send, None)
            del listener

    at_once(*[work] * THREADS, churn(signal, 4 * ROUNDS))
    assert len(called) == ROUNDS * THREADS
    assert is_clean(signal)


def test_signals_come_and_go(make):
    """Signals are made and dropped while others look at all of them."""
    count = len(registry.signals())

    def work():
        for _ in range(ROUNDS // 4):
            signal = make()
            signal.connect(answering(1), sender=Sender)
            assert any(each is signal for each in registry.signals())
            attach(watch := Instrument())
            assert answers(signal.send(Sender)) == [1]
            detach(watch)

    at_once(work, times=THREADS)
    assert len(registry.signals()) == count
