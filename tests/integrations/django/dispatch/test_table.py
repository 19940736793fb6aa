"""`Signal._live_receivers`, and packages that wrap it."""

import asyncio
import inspect
from functools import partial
from typing import Any

import pytest
from django.dispatch import Signal

from clarion import on_commit
from clarion.testing import capture, muted
from tests.integrations.django import programs
from tests.integrations.django.dispatch.receivers import first, second, third


@pytest.fixture
def signal():
    signal = Signal()
    signal.connect(first)
    signal.connect(second, priority=1)
    signal.connect(third, priority=2)
    return signal


@pytest.fixture
def wrapped(monkeypatch):
    """Wrap `_live_receivers` so that every sync receiver shouts, as Sentry's SDK does."""
    below = Signal._live_receivers

    def shouting(receiver):
        def shout(**kwargs):
            return receiver(**kwargs).upper()

        return shout

    def live_receivers(self, sender):
        receivers, async_receivers = below(self, sender)
        return [shouting(receiver) for receiver in receivers], async_receivers

    monkeypatch.setattr(Signal, "_live_receivers", live_receivers)


def test_it_separates_sync_from_async(signal):
    """`_live_receivers` returns sync and async receivers as two lists in the order of a send."""
    assert signal._live_receivers(None) == ([second, first], [third])


def test_the_wrapper_is_called(signal, wrapped):
    """A send calls the receivers that the wrapper returns, the sync ones first."""
    assert [response for _, response in signal.send(None)] == ["SECOND", "FIRST", "third"]
    assert [response for _, response in signal.send_robust(None)] == ["SECOND", "FIRST", "third"]
    assert [a for _, a in asyncio.run(signal.asend(None))] == ["SECOND", "FIRST", "third"]
    assert signal.has_listeners()


def test_a_wrapper_that_was_removed_is_not_called(signal, monkeypatch):
    """After its removal a wrapper of `_live_receivers` is not called."""
    below = Signal._live_receivers
    with monkeypatch.context() as patch:
        patch.setattr(Signal, "_live_receivers", lambda self, sender: ([], []))
        assert signal.send(None) == []
    assert Signal._live_receivers is below
    assert len(signal.send(None)) == 3


def test_muting_and_capturing_work_below_a_wrapper(signal, wrapped):
    """A muted receiver does not reach the wrapper, and the send is captured."""
    with muted(first), capture(signal) as sent:
        assert [response for _, response in signal.send(None)] == ["SECOND", "third"]
    with muted(signal):
        assert signal.send(None) == []
    assert len(sent) == 1


def test_once_is_kept_below_a_wrapper(wrapped):
    """Reading the receivers does not spend a receiver that is called once; calling it does."""
    signal = Signal()
    signal.connect(first, once=True)
    _, _ = signal._live_receivers(None)
    assert [response for _, response in signal.send(None)] == ["FIRST"]
    assert signal.send(None) == []
    assert not signal.has_listeners()


class Reader(Signal):
    """Reads the receivers itself, and only passes them on."""

    def _live_receivers(self, sender):
        sync, asynchronous = super()._live_receivers(sender)
        read.extend(sync + asynchronous)
        return sync, asynchronous


read: list[Any] = []


class Callable:
    """A receiver without a name of its own."""

    def __call__(self, sender, **kwargs):
        return "object"

    def method(self, sender, **kwargs):
        return "method"


async def later(sender, **kwargs):
    return "later"


held = Callable()


@pytest.mark.parametrize(
    ("receiver", "name"),
    [
        (first, "first"),
        (later, "later"),
        (held, "Callable"),
        (held.method, "Callable.method"),
        (partial(first), "first"),
    ],
)
@pytest.mark.parametrize("options", [{"once": True}, {"delivery": on_commit}], ids=str)
def test_receivers_with_options_have_their_names(receiver, name, options, db):
    """`_live_receivers` returns functions named as the receivers; a send returns the receivers."""
    read.clear()
    signal = Reader()
    signal.connect(receiver, weak=False, **options)
    assert [each for each, _ in signal.send(None)] == [receiver]
    [function] = read
    assert (function.__qualname__, function.__name__) == (name, name.rpartition(".")[2])
    assert function.__module__ == (first.__module__ if name == "first" else __name__)
    assert function.__wrapped__ == receiver
    assert inspect.iscoroutinefunction(function) is (receiver is later)
    assert "functools.partial" not in repr(function)


def test_the_order_is_that_of_the_wrapper():
    """Receivers with and without options are called in the order of the list."""

    class Reversing(Signal):
        def _live_receivers(self, sender):
            sync, asynchronous = super()._live_receivers(sender)
            return sync[::-1], asynchronous

    signal = Reversing()
    signal.connect(first, once=True, priority=5)
    signal.connect(held.method)
    signal.connect(second, once=True)
    assert [receiver for receiver, _ in signal.send(None)] == [second, held.method, first]
    assert [receiver for receiver, _ in signal.send(None)] == [held.method]


def test_a_failure_is_logged_with_the_receiver(caplog):
    """The log of a robust send names the user's receiver, and the response is its exception."""

    def fails(sender, **kwargs):
        raise ValueError("no")

    signal = Reader()
    signal.connect(fails, once=True)
    [(receiver, error)] = signal.send_robust(None)
    assert receiver is fails
    assert isinstance(error, ValueError)
    assert fails.__qualname__ in caplog.text


def test_a_wrapper_from_before_install_stays():
    """A wrapper of Django's method calls Clarion's below it, and Django's after uninstall()."""
    lines = programs.run(
        """
        from clarion.integrations.django import install, uninstall

        def receive(**kwargs): return "received"
        def urgent(**kwargs): return "urgent"

        signal = Signal()
        signal.connect(receive)
        install()
        signal.connect(urgent, priority=1)
        print(*[response for _, response in signal.send(1)], calls)
        uninstall()
        print(*[response for _, response in signal.send(1)], calls)
        print(Signal._live_receivers is wrapper, Signal.send is send_wrapper)
        """,
        before_setup="""
        from django.dispatch import Signal
        calls = []
        below, send_below = Signal._live_receivers, Signal.send

        def wrapper(self, sender):
            calls.append(sender)
            return below(self, sender)

        def send_wrapper(self, sender, **kwargs):
            calls.append("send")
            return send_below(self, sender, **kwargs)

        Signal._live_receivers = wrapper
        Signal.send = send_wrapper
        """,
    )
    assert lines == [
        "urgent received ['send', 1]",
        "received urgent ['send', 1, 'send', 1]",
        "True True",
    ]


def test_a_wrapper_from_after_install_survives_uninstall():
    """A wrapper of Clarion's method calls Django's after uninstall()."""
    lines = programs.run(
        """
        from django.dispatch import Signal
        from clarion.integrations.django import install, uninstall

        def receive(**kwargs): return "received"

        signal = Signal()
        signal.connect(receive)
        install()
        below, send_below = Signal._live_receivers, Signal.send
        calls = []

        def wrapper(self, sender):
            calls.append(sender)
            return below(self, sender)

        def send_wrapper(self, sender, **kwargs):
            calls.append("send")
            return send_below(self, sender, **kwargs)

        Signal._live_receivers, Signal.send = wrapper, send_wrapper
        for change in (uninstall, install, uninstall):
            change()
            print(*[response for _, response in signal.send(1)], calls)
            calls.clear()
        """
    )
    assert lines == ["received ['send', 1]"] * 3
