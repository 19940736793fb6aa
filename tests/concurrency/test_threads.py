"""Many threads that connect, disconnect and send at the same time."""

import asyncio
import gc
import itertools
import threading
from typing import Any

import pytest

from clarion._core import instrument
from clarion._core.instrument import Instrument, attach, detach
from tests.concurrency.threads import ROUNDS, THREADS, Sender, churn, run_threads
from tests.core.receivers import answering, answers, is_empty

pytestmark = pytest.mark.usefixtures("_fast_switching", "_frozen_heap")


class Subclass(Sender):
    """A subclass."""


def test_no_registration_is_lost(signal):
    """Every receiver that threads connect is registered, called once, and can be disconnected."""
    senders = [None, "web", Sender]
    numbers = itertools.count()

    def connect():
        for _ in range(ROUNDS):
            number = next(numbers)
            signal.connect(
                answering(number), sender=senders[number % 3], dispatch_uid=("mine", number)
            )

    def disconnect():
        while (number := next(numbers)) < ROUNDS * THREADS:
            assert signal.disconnect(sender=senders[number % 3], dispatch_uid=("mine", number))

    def send():
        for sender in senders * ROUNDS:
            signal.send(sender)

    run_threads(connect, send, times=THREADS)
    count = ROUNDS * THREADS
    assert len(signal._table.registrations()) == count
    for index, sender in enumerate(senders):
        received = answers(signal.send(sender))
        assert sorted(received) == [n for n in range(count) if n % 3 in {0, index}]
        assert len(received) == len({*received})
    numbers = itertools.count()
    run_threads(disconnect, send, times=THREADS)
    assert is_empty(signal)


@pytest.mark.parametrize(
    ("connected", "sent", "options"),
    [
        pytest.param(None, "web", {}, id="any sender"),
        pytest.param("web", "web", {}, id="one sender"),
        pytest.param(Sender, Subclass, {"subclasses": True}, id="subclass"),
        pytest.param("web", "web", {"once": True}, id="once"),
        pytest.param(None, None, {"weak": True}, id="weak"),
    ],
)
def test_a_thread_sees_its_own_changes(signal, connected, sent, options):
    """A thread's connects and disconnects apply to its next send while others change them."""
    numbers = itertools.count()
    churning = churn(signal, 4 * ROUNDS)

    def work():
        for _ in range(ROUNDS):
            number = next(numbers)
            receiver = answering(number)
            signal.connect(receiver, sender=connected, **options)
            received = answers(signal.send(sent))
            if "once" not in options:  # another thread's send may have been the one
                assert number in received
                assert signal.disconnect(receiver, sender=connected)
            assert number not in answers(signal.send(sent))

    run_threads(*[work] * THREADS, churning, churning)
    assert is_empty(signal)


def test_a_connected_receiver_is_always_called(signal):
    """A connected receiver is called at each send, in its place, while others change."""
    signal.connect(answering("first"), priority=1)
    signal.connect(answering("web"), sender="web", priority=-1)
    signal.connect(answering("base"), sender=Sender, subclasses=True, priority=-1)

    def send():
        for _ in range(ROUNDS):
            for sender, last in (("web", "web"), (Subclass, "base")):
                received = answers(signal.send(sender))
                assert received[0] == "first"
                assert received[-1] == last
            assert signal.has_listeners(object())

    run_threads(*[send] * THREADS, *[churn(signal, 4 * ROUNDS)] * 3)
    assert len(signal._table.registrations()) == 3


def test_a_once_receiver_is_called_once(signal):
    """A receiver with once=True is called once, however many threads send."""
    calls: list[Any] = []

    def work():
        for _ in range(ROUNDS):
            number = next(numbers)
            signal.connect(
                lambda number=number, **kwargs: calls.append(number),
                sender=["web", None][number % 2],
                once=True,
            )
            signal.send("web")
            signal.send_robust("web")

    numbers = itertools.count()
    run_threads(work, times=THREADS)
    signal.send("web")
    assert sorted(calls) == list(range(ROUNDS * THREADS))
    assert is_empty(signal)


def test_a_once_receiver_may_be_reconnected(signal):
    """A connect during the last call of a once=True receiver allows one more call."""
    calls = []

    def receiver(**kwargs):
        calls.append(1)

    def work():
        for _ in range(ROUNDS):
            counts.append(len(calls))
            signal.connect(receiver, once=True)
            signal.send(None)

    counts: list[int] = []
    run_threads(work, times=THREADS)
    # After each connect, the send of one of the threads made another call.
    assert len(calls) > max(counts)
    assert is_empty(signal)


def test_one_thread_disconnects_a_receiver(signal):
    """When many threads disconnect one receiver, exactly one of them gets True."""
    receiver = answering(1)
    removed = []

    def disconnect():
        removed.append(signal.disconnect(receiver))

    for _ in range(20):
        run_threads(lambda: signal.connect(receiver), times=THREADS)
        assert answers(signal.send(None)) == [1]
        run_threads(disconnect, times=THREADS)
        assert removed.count(True) == 1
        removed.clear()
    assert is_empty(signal)


def test_receivers_may_change_their_signal(signal):
    """Receivers may connect, disconnect and send in all threads at once."""

    def changing(sender, depth=0, **kwargs):
        uid = threading.get_ident(), depth
        signal.connect(answering(uid), dispatch_uid=uid)
        if depth < 3:
            signal.send(sender, depth=depth + 1)
        assert signal.disconnect(dispatch_uid=uid)

    signal.connect(changing, sender="web")

    def send():
        for _ in range(ROUNDS // 4):
            signal.send("web")

    run_threads(send, times=THREADS)
    signal.disconnect(changing, sender="web")
    assert is_empty(signal)


def test_two_signals_that_change_each_other(make):
    """Finalisers that run while one signal changes may change another one, and vice versa."""
    signals = make(), make()

    class Dying:
        def __init__(self, other):
            self.itself = self
            self.other = other

        def __del__(self):
            self.other.connect(answering(1), sender=Sender, subclasses=True, dispatch_uid=id(self))
            self.other.send(type("Transient", (Sender,), {}))
            self.other.disconnect(sender=Sender, dispatch_uid=id(self))

    def work(mine, other):
        def run():
            for _ in range(ROUNDS):
                Dying(other)
                churn(mine, 3)()

        return run

    threshold = gc.get_threshold()
    gc.set_threshold(50, 2, 2)
    try:
        run_threads(work(*signals), work(*reversed(signals)), times=3)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert all(is_empty(signal) for signal in signals)


def test_async_receivers_in_many_threads(signal):
    """Threads that send and threads that run asyncio call the same async receivers."""

    async def receiver(value, **kwargs):
        await asyncio.sleep(0)
        return value

    async def another(value, **kwargs):
        return value

    def send():
        for value in range(ROUNDS // 4):
            assert answers(signal.send(None, value=value)) == [value, value]

    async def asend():
        for value in range(ROUNDS // 4):
            assert answers(await signal.asend(None, value=value)) == [value, value]

    signal.connect(receiver)
    signal.connect(another)
    run_threads(send, lambda: asyncio.run(asend()), times=3)


def test_instruments_in_many_threads(signal):
    """No instrument is lost while threads attach and detach others."""

    class Count(Instrument):
        def __init__(self):
            self.began_in = []

        def began(self, send):
            self.began_in.append(threading.get_ident())

    def work():
        for _ in range(ROUNDS // 4):
            for signals in ((), (signal,)):
                count = Count()
                attach(count, *signals)
                signal.send(None)
                assert threading.get_ident() in count.began_in
                detach(count, *signals)

    run_threads(work, times=THREADS)
    assert instrument.everywhere == ()
    assert signal._table.instruments == ()
    assert signal._table.find_route(None).strong_receivers == ()
