"""Many threads that connect, disconnect and send at the same time."""

import asyncio
import gc
import itertools
import threading
from typing import Any

import pytest

from clarion._core import instrument
from clarion._core.instrument import Instrument, attach, detach
from tests.concurrency.threads import at_once

pytestmark = pytest.mark.usefixtures("_hasty", "_quick_collection")


THREADS = 6


ROUNDS = 120


class Sender:
    """A sender, whose subclasses are senders too."""


class Subclass(Sender):
    """A subclass."""


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


def test_no_registration_is_lost(signal):
    """Whatever is connected at once is there afterwards, is heard once, and can be removed."""
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

    at_once(connect, send, times=THREADS)
    count = ROUNDS * THREADS
    assert len(signal._table.registrations()) == count
    for index, sender in enumerate(senders):
        heard = answers(signal.send(sender))
        assert sorted(heard) == [n for n in range(count) if n % 3 in {0, index}]
        assert len(heard) == len({*heard})
    numbers = itertools.count()
    at_once(disconnect, send, times=THREADS)
    assert is_clean(signal)


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
def test_a_thread_sees_what_it_did(signal, connected, sent, options):
    """After connect a send hears the receiver, after disconnect it does not, whoever interferes."""
    numbers = itertools.count()
    elsewhere = churn(signal, 4 * ROUNDS)

    def work():
        for _ in range(ROUNDS):
            number = next(numbers)
            receiver = answering(number)
            signal.connect(receiver, sender=connected, **options)
            heard = answers(signal.send(sent))
            if "once" not in options:  # another thread's send may have been the one
                assert number in heard
                assert signal.disconnect(receiver, sender=connected)
            assert number not in answers(signal.send(sent))

    at_once(*[work] * THREADS, elsewhere, elsewhere)
    assert is_clean(signal)


def test_who_stays_is_always_heard(signal):
    """A receiver that is connected all the time hears every send, in its place."""
    signal.connect(answering("first"), priority=1)
    signal.connect(answering("web"), sender="web", priority=-1)
    signal.connect(answering("base"), sender=Sender, subclasses=True, priority=-1)

    def send():
        for _ in range(ROUNDS):
            for sender, last in (("web", "web"), (Subclass, "base")):
                heard = answers(signal.send(sender))
                assert heard[0] == "first"
                assert heard[-1] == last
            assert signal.has_listeners(object())

    at_once(*[send] * THREADS, *[churn(signal, 4 * ROUNDS)] * 3)
    assert len(signal._table.registrations()) == 3


def test_once_means_once(signal):
    """However many threads send at once, each receiver with once=True is called once."""
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
    at_once(work, times=THREADS)
    signal.send("web")
    assert sorted(calls) == list(range(ROUNDS * THREADS))
    assert is_clean(signal)


def test_the_same_once_receiver_connected_again_and_again(signal):
    """A connect that comes while the last call is under way is good for another call."""
    calls = []

    def receiver(**kwargs):
        calls.append(1)

    def work():
        for _ in range(ROUNDS):
            counts.append(len(calls))
            signal.connect(receiver, once=True)
            signal.send(None)

    counts: list[int] = []
    at_once(work, times=THREADS)
    # By whichever thread's send: after each connect there was another call.
    assert len(calls) > max(counts)
    assert is_clean(signal)


def test_one_receiver_from_many_threads(signal):
    """What is connected once is disconnected once: one thread is told so, and no other."""
    receiver = answering(1)
    removed = []

    def disconnect():
        removed.append(signal.disconnect(receiver))

    for _ in range(20):
        at_once(lambda: signal.connect(receiver), times=THREADS)
        assert answers(signal.send(None)) == [1]
        at_once(disconnect, times=THREADS)
        assert removed.count(True) == 1
        removed.clear()
    assert is_clean(signal)


def test_receivers_may_change_the_signal_they_hear(signal):
    """Connecting, disconnecting and sending inside a receiver, in all threads at once."""

    def meddling(sender, depth=0, **kwargs):
        uid = threading.get_ident(), depth
        signal.connect(answering(uid), dispatch_uid=uid)
        if depth < 3:
            signal.send(sender, depth=depth + 1)
        assert signal.disconnect(dispatch_uid=uid)

    signal.connect(meddling, sender="web")

    def send():
        for _ in range(ROUNDS // 4):
            signal.send("web")

    at_once(send, times=THREADS)
    signal.disconnect(meddling, sender="web")
    assert is_clean(signal)


def test_two_signals_that_send_each_other(make):
    """Finalisers that run while one signal is changed may change another one, both ways."""
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
        at_once(work(*signals), work(*reversed(signals)), times=3)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert all(is_clean(signal) for signal in signals)


def test_async_receivers_in_many_threads(signal):
    """Sync sends run them on a loop per thread, asyncio's own loops in other threads beside it."""

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
    at_once(send, lambda: asyncio.run(asend()), times=3)


def test_instruments_in_many_threads(signal):
    """No instrument is lost, whoever else attaches and detaches one; everywhere and on one."""

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

    at_once(work, times=THREADS)
    assert instrument.everywhere == ()
    assert signal._table.instruments == ()
    assert signal._table.find_route(None).strong_receivers == ()
