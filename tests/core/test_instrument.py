"""Watching sends."""

import asyncio

import pytest

from clarion._core.instrument import Instrument, Send, attach, detach
from tests.core.receivers import (
    answering,
    answering_async,
    answers,
    deliver,
    echo,
    raising,
)


class Watch(Instrument):
    """Writes down what it is told."""

    def __init__(self, admitted=lambda receiver: True):
        self.told: list[str] = []
        self.sends: list[Send] = []
        self.responses: list[object] = []
        self.errors: list[BaseException | None] = []
        self.admitted = admitted

    def allows(self, send, receiver):
        """Tell what the test says."""
        return self.admitted(receiver)

    def began(self, send):
        """Take it down."""
        self.told.append(f"began with {len(send.responses)}")
        self.sends.append(send)

    def ended(self, send):
        """Take it down."""
        self.told.append(f"ended with {len(send.responses)}")
        self.responses = send.responses
        self.errors.append(send.error)


@pytest.fixture
def watch(signal):
    """Watch one signal."""
    watch = Watch()
    attach(watch, signal)
    return watch


def test_a_send_is_told_from_beginning_to_end(signal, watch, send):
    """An instrument learns who sends what, and afterwards who answered what."""
    signal.connect(answering(1))
    signal.connect(answering_async(2))
    responses = send(signal, "web", value=3)
    assert watch.told == ["began with 0", "ended with 2"]
    (seen,) = watch.sends
    assert (seen.signal, seen.sender, watch.errors) == (signal, "web", [None])
    assert seen.arguments == {"signal": signal, "sender": "web", "value": 3}
    assert watch.responses == responses
    assert answers(responses) == [1, 2]


def test_a_send_that_nobody_hears_is_told_too(signal, watch, send):
    """Watching does not depend on receivers."""
    assert send(signal) == []
    assert watch.told == ["began with 0", "ended with 0"]


def test_an_error_is_told(signal, watch, strict_send):
    """What ends the send is on it, and the receivers before it have their answers there."""
    error = ValueError("no")
    signal.connect(answering(1))
    signal.connect(raising(error))
    with pytest.raises(ValueError, match="no"):
        strict_send(signal)
    assert watch.errors == [error]
    assert answers(watch.responses) == [1]
    assert watch.told[-1] == "ended with 1"


def test_a_collected_error_is_an_answer(signal, watch, robust_send, caplog):
    """To the robust sends an error is a response, and the send has ended well."""
    error = ValueError("no")
    signal.connect(raising(error))
    robust_send(signal)
    assert watch.errors == [None]
    assert answers(watch.responses) == [error]


def test_a_refused_send_is_told(signal, watch):
    """A send inside a running loop that would have to await has an error too."""

    async def main():
        signal.send(None)

    signal.connect(answering_async(1))
    with pytest.raises(RuntimeError):
        asyncio.run(main())
    assert isinstance(watch.errors[0], RuntimeError)


def test_an_instrument_may_keep_receivers_from_hearing(signal, send):
    """Those that are not admitted are not called and do not answer."""
    loud, quiet = answering("loud"), answering("quiet")
    quiet_async = answering_async("quiet")
    for receiver in (loud, quiet, quiet_async):
        signal.connect(receiver)
    attach(Watch(lambda receiver: receiver is loud), signal)
    assert send(signal) == [(loud, "loud")]


def test_all_instruments_must_admit(signal, send):
    """One that objects is enough."""
    signal.connect(echo)
    attach(Watch(), signal)
    attach(Watch(lambda receiver: False), signal)
    assert send(signal) == []


def test_what_is_not_admitted_keeps_its_only_call(signal, send):
    """A receiver with once=True that is kept from hearing hears the next send."""
    watch = Watch(lambda receiver: False)
    signal.connect(answering(1), once=True)
    attach(watch, signal)
    assert send(signal) == []
    detach(watch, signal)
    assert answers(send(signal)) == [1]
    assert send(signal) == []


def test_what_is_not_admitted_needs_no_loop(signal):
    """A send inside a running loop is refused only for receivers that would be called."""

    async def main():
        return signal.send(None)

    signal.connect(answering_async(1))
    attach(Watch(lambda receiver: False), signal)
    assert asyncio.run(main()) == []


def test_instruments_nest(signal, send):
    """They begin in the order in which they were attached, and end the other way round."""
    told = []

    class Named(Instrument):
        def __init__(self, name):
            self.name = name

        def began(self, send):
            told.append(f"{self.name} began")

        def ended(self, send):
            told.append(f"{self.name} ended")

    for name in ("one", "two"):
        attach(Named(name), signal)
    send(signal)
    assert told == ["one began", "two began", "two ended", "one ended"]


def test_the_base_class_minds_nothing(signal, send):
    """An instrument that overrides nothing changes nothing."""
    signal.connect(answering(1))
    attach(Instrument(), signal)
    assert answers(send(signal)) == [1]


def test_everywhere_means_every_signal(make, send):
    """Attached to no signal in particular it watches all, those yet to be made included."""
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


def test_detaching_undoes_one_attaching(signal, send):
    """Attached twice and detached once, it watches once; another signal is not concerned."""
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


def test_nobody_watching_costs_nothing(signal):
    """After an instrument is gone the route holds the receivers themselves again."""
    receiver, watch = answering(1), Watch()
    signal.connect(receiver)
    signal.send(None)
    assert signal._table.find_route(None).strong_receivers == (receiver,)
    attach(watch, signal)
    assert signal._table.find_route(None).strong_receivers is None
    detach(watch, signal)
    assert signal._table.find_route(None).strong_receivers == (receiver,)
    assert signal._table.find_route(None).instruments == ()


def test_onlookers_make_a_send_worthwhile(signal):
    """has_listeners() counts an instrument that says it listens, and no other."""

    class Onlooker(Instrument):
        listens = True

    attach(Watch(), signal)
    assert not signal.has_listeners()
    onlooker = Onlooker()
    attach(onlooker, signal)
    assert signal.has_listeners()
    detach(onlooker, signal)
    assert not signal.has_listeners()


def test_a_send_under_way_is_watched_to_its_end(signal, make):
    """Attaching amid a send is for the next one; detaching amid it does not cut it off."""
    watch, late = Watch(), Watch()

    def swap(**kwargs):
        detach(watch, signal)
        attach(late, signal)

    signal.connect(swap)
    attach(watch, signal)
    signal.send(None)
    assert watch.told == ["began with 0", "ended with 1"]
    assert late.told == []
    signal.disconnect(swap)
    deliver("send", signal)
    assert len(watch.sends) == 1
    assert len(late.sends) == 1
