"""Instruments that watch sends."""

import asyncio
from typing import Any

import pytest

from clarion._core.instrument import Instrument, Send, attach, detach, watched
from clarion._core.tabled import table_of
from tests.core.receivers import (
    answering,
    answering_async,
    answers,
    deliver,
    echo,
    raising,
)


class Watch(Instrument):
    """An instrument that records its calls."""

    def __init__(self, admitted=lambda receiver: True):
        self.log: list[str] = []
        self.sends: list[Send] = []
        self.responses: list[object] = []
        self.errors: list[BaseException | None] = []
        self.admitted = admitted

    def allows(self, send, receiver):
        """Return whether the receiver is admitted."""
        return self.admitted(receiver)

    def began(self, send):
        """Record the begin of a send."""
        self.log.append(f"began with {len(send.responses)}")
        self.sends.append(send)

    def ended(self, send):
        """Record the end of a send."""
        self.log.append(f"ended with {len(send.responses)}")
        self.responses = send.responses
        self.errors.append(send.error)


@pytest.fixture
def watch(signal):
    """Attach an instrument to the signal and return it."""
    watch = Watch()
    attach(watch, signal)
    return watch


def test_a_send_is_reported(signal, watch, send):
    """An instrument gets each send before the receivers run, and its responses afterwards."""
    signal.connect(answering(1))
    signal.connect(answering_async(2))
    responses = send(signal, "web", value=3)
    assert watch.log == ["began with 0", "ended with 2"]
    (seen,) = watch.sends
    assert (seen.signal, seen.sender, watch.errors) == (signal, "web", [None])
    assert seen.arguments == {"signal": signal, "sender": "web", "value": 3}
    assert watch.responses == responses
    assert answers(responses) == [1, 2]


def test_each_call_is_reported(signal, watch, send):
    """With its receiver and response, when it has ended; the error is dropped afterwards."""
    calls: list[Any] = []
    errors: list[object] = []

    def called(call):
        calls.append(call)
        errors.append(call.error)

    watch.called = called
    one, two, three = answering(1), answering_async(2), answering_async(3)
    for receiver in (one, two, three):
        signal.connect(receiver)
    send(signal, "web")
    found = [(call.receiver, call.response, call.sender, call.registration) for call in calls]
    expected = [(one, 1, "web", None), (two, 2, "web", None), (three, 3, "web", None)]
    assert sorted(found, key=lambda call: call[1]) == expected
    assert errors == [None] * 3
    assert all(call.seconds > 0 and call.send is watch.sends[0] for call in calls)


def test_a_failed_call_is_reported(signal, watch, robust_send, caplog):
    """In a robust send too."""
    error, errors = ValueError("no"), []
    watch.called = lambda call: errors.append((call.error, call.response))
    signal.connect(raising(error))
    robust_send(signal)
    assert errors == [(error, None)]


def test_the_call_of_a_delivery_has_its_registration(signal, watch, send):
    """And the response of the delivery."""
    calls: list[Any] = []
    watch.called = calls.append

    class Delivery:
        provides = ()

        def bind(self, receiver, signal):
            return self

        def send(self, signal, registration, receiver, /, **arguments):
            return "kept"

        async def asend(self, signal, registration, receiver, /, **arguments):
            return "kept"

        def awaits(self, signal, receiver, /, **arguments):
            return False

    signal.connect(echo, delivery=Delivery())
    (response,) = answers(send(signal))
    (call,) = calls
    assert (call.registration.live(), call.response, response) == (echo, "kept", "kept")


def test_a_worker_calls_what_reports(signal, watch):
    """`watched` returns the receiver itself while nothing watches."""
    calls: list[Any] = []
    watch.called = calls.append
    receiver, awaited = answering(1), answering_async(2)
    signal.connect(receiver)
    signal.connect(awaited)
    one, two = table_of(signal).registrations()
    assert watched(signal, one, receiver)(sender="web") == 1
    assert asyncio.run(watched(signal, two, awaited)(sender="web")) == 2
    assert [(call.registration, call.response, call.send) for call in calls] == [
        (one, 1, None),
        (two, 2, None),
    ]
    detach(watch, signal)
    assert watched(signal, one, receiver) is receiver


def test_a_send_without_receivers_is_reported(signal, watch, send):
    """A send without receivers is reported too."""
    assert send(signal) == []
    assert watch.log == ["began with 0", "ended with 0"]


def test_an_error_is_reported(signal, watch, strict_send):
    """An error that ends the send is reported, with the responses before it."""
    error = ValueError("no")
    signal.connect(answering(1))
    signal.connect(raising(error))
    with pytest.raises(ValueError, match="no"):
        strict_send(signal)
    assert watch.errors == [error]
    assert answers(watch.responses) == [1]
    assert watch.log[-1] == "ended with 1"


def test_a_robust_error_is_a_response(signal, watch, robust_send, caplog):
    """An error that a robust send returns is a response."""
    error = ValueError("no")
    signal.connect(raising(error))
    robust_send(signal)
    assert watch.errors == [None]
    assert answers(watch.responses) == [error]


def test_a_refused_send_is_reported(signal, watch):
    """A refused send inside a running loop is reported with its error."""

    async def main():
        signal.send(None)

    signal.connect(answering_async(1))
    with pytest.raises(RuntimeError):
        asyncio.run(main())
    assert isinstance(watch.errors[0], RuntimeError)


def test_an_instrument_may_block_receivers(signal, send):
    """Receivers that an instrument does not allow are not called."""
    loud, quiet = answering("loud"), answering("quiet")
    quiet_async = answering_async("quiet")
    for receiver in (loud, quiet, quiet_async):
        signal.connect(receiver)
    attach(Watch(lambda receiver: receiver is loud), signal)
    assert send(signal) == [(loud, "loud")]


def test_all_instruments_must_allow_a_receiver(signal, send):
    """One instrument that refuses is enough."""
    signal.connect(echo)
    attach(Watch(), signal)
    attach(Watch(lambda receiver: False), signal)
    assert send(signal) == []


def test_a_blocked_once_receiver_keeps_its_call(signal, send):
    """A receiver with once=True that is not allowed is called by the next send."""
    watch = Watch(lambda receiver: False)
    signal.connect(answering(1), once=True)
    attach(watch, signal)
    assert send(signal) == []
    detach(watch, signal)
    assert answers(send(signal)) == [1]
    assert send(signal) == []


def test_a_blocked_async_receiver_needs_no_loop(signal):
    """A send inside a running loop is refused only for receivers that it would call."""

    async def main():
        return signal.send(None)

    signal.connect(answering_async(1))
    attach(Watch(lambda receiver: False), signal)
    assert asyncio.run(main()) == []


def test_instruments_nest(signal, send):
    """Instruments begin in the order in which they were attached, and end in reverse."""
    log = []

    class Named(Instrument):
        def __init__(self, name):
            self.name = name

        def began(self, send):
            log.append(f"{self.name} began")

        def ended(self, send):
            log.append(f"{self.name} ended")

    for name in ("one", "two"):
        attach(Named(name), signal)
    send(signal)
    assert log == ["one began", "two began", "two ended", "one ended"]


def test_the_base_class_changes_nothing(signal, send):
    """An instrument that overrides nothing changes nothing."""
    signal.connect(answering(1))
    attach(Instrument(), signal)
    assert answers(send(signal)) == [1]


def test_attaching_without_a_signal_watches_all(make, send):
    """An instrument without a signal watches all signals, later ones too."""
    before, watch = make(), Watch()
    before.send(None)
    attach(watch)
    try:
        after = make()
        send(before)
        send(after)
        assert [seen.signal for seen in watch.sends] == [before, after]
    finally:
        detach(watch)
    send(before)
    send(make())
    assert len(watch.sends) == 2


def test_detaching_undoes_one_attachment(signal, send):
    """Detaching undoes one of two attachments."""
    watch = Watch()
    attach(watch, signal)
    attach(watch, signal)
    detach(watch, signal)
    send(signal)
    assert len(watch.sends) == 1
    detach(watch, signal)
    send(signal)
    assert len(watch.sends) == 1
    with pytest.raises(ValueError, match="not in list"):
        detach(watch, signal)


def test_without_instruments_the_route_is_fast(signal):
    """After the last instrument is detached, the route is on the fast path again."""
    receiver, watch = answering(1), Watch()
    signal.connect(receiver)
    signal.send(None)
    assert signal._table.find_route(None).strong_receivers == (receiver,)
    attach(watch, signal)
    assert signal._table.find_route(None).strong_receivers is None
    detach(watch, signal)
    assert signal._table.find_route(None).strong_receivers == (receiver,)
    assert signal._table.find_route(None).instruments == ()


def test_has_listeners_counts_listening_instruments(signal):
    """`has_listeners()` counts only instruments with `listens`."""

    class Listening(Instrument):
        listens = True

    attach(Watch(), signal)
    assert not signal.has_listeners()
    listening = Listening()
    attach(listening, signal)
    assert signal.has_listeners()
    detach(listening, signal)
    assert not signal.has_listeners()


def test_a_running_send_keeps_its_instruments(signal, make):
    """Attaching and detaching during a send apply to the next send."""
    watch, late = Watch(), Watch()

    def swap(**kwargs):
        detach(watch, signal)
        attach(late, signal)

    signal.connect(swap)
    attach(watch, signal)
    signal.send(None)
    assert watch.log == ["began with 0", "ended with 1"]
    assert late.log == []
    signal.disconnect(swap)
    deliver("send", signal)
    assert len(watch.sends) == 1
    assert len(late.sends) == 1
