"""Receivers, senders and signals that die while other threads send."""

import gc
import threading
import weakref
from typing import Any

import pytest

from clarion._core import registry
from clarion._core.instrument import Instrument, attach, detach
from tests.concurrency.threads import ROUNDS, THREADS, Sender, churn, run_threads
from tests.core.receivers import answering, answers, is_empty

pytestmark = pytest.mark.usefixtures("_fast_switching", "_frozen_heap")


class Listener:
    """An object with a method that is a receiver."""

    def method(self, **kwargs):
        """Return the object."""
        return self


def test_dead_objects_leave_no_registration(signal):
    """Receivers and senders that threads collect leave no registration."""

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

    run_threads(*[work] * THREADS, churn(signal, 4 * ROUNDS))
    gc.collect()
    signal.send(None)
    assert is_empty(signal)


def test_finalisers_may_do_anything(signal):
    """A `__del__` may connect, disconnect and send during any of these without a deadlock."""
    finalised = []

    class Dying:
        def __init__(self):
            self.itself = self  # only the garbage collector frees it, in any thread
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
        run_threads(work, times=THREADS)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert len(finalised) == ROUNDS * THREADS
    assert is_empty(signal)


def test_weakref_callbacks_may_do_anything(signal):
    """Callbacks of weak references may connect, disconnect and send."""
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

    run_threads(*[work] * THREADS, churn(signal, 4 * ROUNDS))
    assert len(called) == ROUNDS * THREADS
    assert is_empty(signal)


def test_signals_are_created_and_dropped(make):
    """Threads may create and drop signals while others list all signals."""
    count = len(registry.signals())

    def work():
        for _ in range(ROUNDS // 4):
            signal = make()
            signal.connect(answering(1), sender=Sender)
            assert any(each is signal for each in registry.signals())
            attach(watch := Instrument())
            assert answers(signal.send(Sender)) == [1]
            detach(watch)

    run_threads(work, times=THREADS)
    assert len(registry.signals()) == count
