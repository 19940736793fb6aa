"""Entries of Django's list become registrations, and back."""

import weakref

import pytest
from django.dispatch import Signal
from django.dispatch.dispatcher import _make_id

from clarion.integrations.django.dispatch.entries import HAS_SENDER_REFERENCE, UnknownSender
from clarion.introspect import registrations
from tests.integrations.django.dispatch.receivers import Listener, Sender, first, second, third


@pytest.fixture
def signal():
    return Signal()


def entry(receiver, sender_id=None, held=None, reference=None):
    rest = (reference,) if HAS_SENDER_REFERENCE else ()
    key = (_make_id(receiver), _make_id(None) if sender_id is None else sender_id)
    return (key, held or weakref.ref(receiver), *rest, False)


def test_it_reads_as_djangos_list(signal):
    """Each entry of `receivers` has Django's parts: keys, reference, reference to the sender, async."""
    listener = Listener()
    signal.connect(first)
    signal.connect(second, sender=Sender, weak=False, dispatch_uid="uid")
    signal.connect(listener.receive)
    signal.connect(third)
    one, two, three, _ = signal.receivers
    assert one[0] == (id(first), _make_id(None))
    assert one[1]() is first
    assert two[0] == ("uid", id(Sender))
    assert two[1] is second
    assert three[0] == (_make_id(listener.receive), _make_id(None))
    assert isinstance(three[1], weakref.WeakMethod)
    assert three[1]() == listener.receive
    assert [entry[-1] for entry in signal.receivers] == [False, False, False, True]
    if HAS_SENDER_REFERENCE:
        assert one[2] is None
        assert two[2]() is Sender
    else:
        assert len(one) == 3


def test_entries_that_django_made_are_accepted(signal):
    """Django's plain tuples become registrations: weak or strong, by uid or by receiver."""
    signal.receivers = [entry(first, id(Sender), reference=weakref.ref(Sender)), entry(second)]
    assert [r for _, r in signal.send(Sender)] == ["first", "second"]
    assert [r for _, r in signal.send(None)] == ["second"]
    assert signal.disconnect(first, sender=Sender)
    by_uid = (("uid", _make_id(None)), *entry(first, held=first)[1:])
    signal.receivers = [by_uid]
    assert [r for _, r in signal.send(None)] == ["first"]
    assert not registrations(signal)[0].weak
    assert signal.disconnect(dispatch_uid="uid")


def test_an_entry_whose_receiver_has_died_is_left_out(signal):
    """An entry with a dead reference makes no registration."""

    def gone(**kwargs): ...

    reference = weakref.ref(gone)
    del gone
    signal.receivers = [entry(first, held=reference)]
    assert signal.receivers == []


def test_an_unknown_sender_shows_its_id():
    """The placeholder of a sender that cannot be found has a repr of its own."""
    assert repr(UnknownSender(255)) == "<the sender with id 0xff>"
