"""Whoever wraps `Signal._live_receivers` is asked at each send."""

import asyncio

import pytest
from django.dispatch import Signal

from clarion.testing import capture, muted
from tests.integrations.django import programs


def first(**kwargs):
    return "first"


def second(**kwargs):
    return "second"


async def third(**kwargs):
    return "third"


@pytest.fixture
def signal():
    signal = Signal()
    signal.connect(first)
    signal.connect(second, priority=1)
    signal.connect(third, priority=2)
    return signal


@pytest.fixture
def wrapped(monkeypatch):
    """Wrap `_live_receivers` so that every sync receiver shouts, as Sentry's SDK wraps it."""
    below = Signal._live_receivers

    def shouting(receiver):
        def shout(**kwargs):
            return receiver(**kwargs).upper()

        return shout

    def live_receivers(self, sender):
        found, found_async = below(self, sender)
        return [shouting(receiver) for receiver in found], found_async

    monkeypatch.setattr(Signal, "_live_receivers", live_receivers)


def test_it_tells_sync_from_async(signal):
    """As in Django: two lists, each in the order of a send."""
    assert signal._live_receivers(None) == ([second, first], [third])


def test_the_wrapper_is_asked(signal, wrapped):
    """Receivers are those that the wrapper gives, the sync ones first."""
    assert [response for _, response in signal.send(None)] == ["SECOND", "FIRST", "third"]
    assert [response for _, response in signal.send_robust(None)] == ["SECOND", "FIRST", "third"]
    assert [a for _, a in asyncio.run(signal.asend(None))] == ["SECOND", "FIRST", "third"]
    assert signal.has_listeners()


def test_once_the_wrapper_has_gone_nobody_asks(signal, monkeypatch):
    """Taking the wrapper away takes its cost away."""
    below = Signal._live_receivers
    with monkeypatch.context() as patch:
        patch.setattr(Signal, "_live_receivers", lambda self, sender: ([], []))
        assert signal.send(None) == []
    assert Signal._live_receivers is below
    assert len(signal.send(None)) == 3


def test_muting_and_capturing_work_below_a_wrapper(signal, wrapped):
    """A muted receiver does not reach the wrapper; the send is captured all the same."""
    with muted(first), capture(signal) as sent:
        assert [response for _, response in signal.send(None)] == ["SECOND", "third"]
    with muted(signal):
        assert signal.send(None) == []
    assert len(sent) == 1


def test_once_is_kept_below_a_wrapper(wrapped):
    """Looking at the receivers does not spend one that is called once; calling does."""
    signal = Signal()
    signal.connect(first, once=True)
    _, _ = signal._live_receivers(None)
    assert [response for _, response in signal.send(None)] == ["FIRST"]
    assert signal.send(None) == []
    assert not signal.has_listeners()


def test_a_wrapper_from_before_the_takeover_stays():
    """Who wrapped Django's own method finds Clarion's receivers below, and Django's afterwards."""
    lines = programs.run(
        """
        from clarion.integrations.django import install, uninstall

        def hear(**kwargs): return "heard"
        def urgent(**kwargs): return "urgent"

        signal = Signal()
        signal.connect(hear)
        install()
        signal.connect(urgent, priority=1)
        print(*[answer for _, answer in signal.send(1)], calls)
        uninstall()
        print(*[answer for _, answer in signal.send(1)], calls)
        print(Signal._live_receivers is wrapper, Signal.send is send_wrapper)
        """,
        before_setup="""
        from django.dispatch import Signal
        calls = []
        below, send_below = Signal._live_receivers, Signal.send

        def wrapper(self, sender):
            calls.append(sender)
            return below(self, sender)

        def send_wrapper(self, sender, **named):
            calls.append("send")
            return send_below(self, sender, **named)

        Signal._live_receivers = wrapper
        Signal.send = send_wrapper
        """,
    )
    assert lines == [
        "urgent heard ['send', 1]",
        "heard urgent ['send', 1, 'send', 1]",
        "True True",
    ]


def test_a_wrapper_from_after_the_takeover_survives_its_end():
    """Who wrapped Clarion's method calls Django's once Django has its own back."""
    lines = programs.run(
        """
        from django.dispatch import Signal
        from clarion.integrations.django import install, uninstall

        def hear(**kwargs): return "heard"

        signal = Signal()
        signal.connect(hear)
        install()
        below, send_below = Signal._live_receivers, Signal.send
        calls = []

        def wrapper(self, sender):
            calls.append(sender)
            return below(self, sender)

        def send_wrapper(self, sender, **named):
            calls.append("send")
            return send_below(self, sender, **named)

        Signal._live_receivers, Signal.send = wrapper, send_wrapper
        for change in (uninstall, install, uninstall):
            change()
            print(*[answer for _, answer in signal.send(1)], calls)
            calls.clear()
        """
    )
    assert lines == ["heard ['send', 1]"] * 3
