"""The table after a receiver or a sender dies: see also `test_table_lifetime`."""

import sys
from functools import partial

from clarion._core import lifetimes
from clarion._core.registration import sender_key
from clarion._core.tabled import table_of
from tests.core.receivers import Listener, Sender, Slotted, echo
from tests.logs import without_log


def test_a_sender_is_held_weakly(signal):
    """A table holds text and objects without weak references, and other senders weakly."""
    table = table_of(signal)
    for held in ("text", Slotted()):
        assert lifetimes.remember(table, held, sender_key(held))() is held
    sender = Sender()
    sender_of = lifetimes.remember(table, sender, sender_key(sender))
    assert sender_of() is sender
    del sender
    assert sender_of() is None


def work(change):
    """Return how many Python calls a change makes."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in {"call", "c_call"}

    with without_log():
        sys.setprofile(count)
        try:
            change()
        finally:
            sys.setprofile(None)
    return calls


def routed(signal, count):
    """Return senders with a cached route each, which a change for any sender drops."""
    senders = [Sender() for _ in range(count)]
    for sender in senders:
        signal.connect(echo, sender=sender)
        signal.send(sender)
    return senders


def test_a_change_takes_work_in_proportion_to_the_routes(make):
    """The cost of a change grows in proportion to the number of cached routes."""
    found = []
    for count in (100, 800):
        signal, dying = make(), Listener()
        senders = routed(signal, count)
        connect = work(partial(signal.connect, print_none))
        for sender in senders:
            signal.send(sender)
        disconnect = work(partial(signal.disconnect, print_none))
        signal.connect(dying.method)
        for sender in senders:
            signal.send(sender)
        holder = [dying]
        del dying
        death = work(holder.clear)
        found.append((connect, disconnect, death))
        assert max(found[-1]) < 4 * count + 50
    for few, many in zip(*found, strict=True):
        assert few > 100  # each of them dropped the routes
        assert many < 9 * few


def test_a_second_change_finds_nothing_to_drop(make):
    """A second change drops only the routes that were built since the first."""
    signal = make()
    senders = routed(signal, 800)
    listeners = [Listener() for _ in range(50)]
    signal.connect(print_none)
    for listener in listeners:
        assert work(partial(signal.connect, listener.method)) < 100
    deaths = work(listeners.clear)
    assert deaths < 50 * 20
    assert len(senders) == 800


def print_none(**kwargs):
    """Do nothing."""


def test_a_receiver_that_dies_at_the_end_of_the_interpreter(signal, monkeypatch):
    """The globals of a module are gone before the last objects die."""
    monkeypatch.setattr(lifetimes, "acquire", None)
    listener = Listener()
    signal.connect(listener.method)
    signal.send(None)
    del listener
    monkeypatch.undo()
    assert signal.send(None) == []
