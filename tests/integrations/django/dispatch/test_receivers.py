"""`signal.receivers` behaves as the list that other packages expect."""

import weakref

import pytest
from django.dispatch import Signal
from django.dispatch.dispatcher import _make_id

from clarion.integrations.django.dispatch.entries import HAS_SENDER_REFERENCE
from clarion.introspect import registrations
from tests.integrations.django.dispatch.receivers import Listener, first, second, third


@pytest.fixture
def signal():
    return Signal()


def responses(signal, sender=None):
    return [response for _, response in signal.send(sender)]


def test_it_is_an_equal_list(signal):
    """The list of receivers compares with lists, has a length, and is empty without receivers."""
    assert signal.receivers == []
    signal.connect(first)
    assert len(signal.receivers) == 1
    assert signal.receivers == list(signal.receivers)


def test_saved_emptied_and_restored(signal):
    """Priorities and order survive what factory_boy and tests do with the list."""
    signal.connect(first)
    signal.connect(second, priority=3)
    saved = signal.receivers
    signal.receivers = []
    assert responses(signal) == []
    assert not signal.has_listeners()
    signal.connect(third)
    with signal.lock:
        signal.receivers = saved + signal.receivers
        signal.sender_receivers_cache.clear()
    assert responses(signal) == ["second", "first", "third"]
    assert registrations(signal)[1].priority == 3


def test_a_list_read_before_an_assignment_is_only_a_list(signal):
    """Changing a list that was saved before does not change the signal."""
    signal.connect(first)
    saved = signal.receivers
    signal.receivers = []
    saved.clear()
    saved.append("anything")
    assert signal.receivers == []


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda entries: entries.clear(), []),
        (lambda entries: entries.pop(0), ["second"]),
        (lambda entries: entries.remove(entries[1]), ["first"]),
        (lambda entries: entries.__delitem__(slice(None)), []),
        (lambda entries: entries.__setitem__(slice(0, 1), []), ["second"]),
        (lambda entries: entries.reverse(), ["second", "first"]),
        (lambda entries: entries.insert(0, entries.pop()), ["second", "first"]),
        (lambda entries: entries.extend([entry(_third_sync)]), ["first", "second", "third"]),
        (lambda entries: entries.__iadd__([entry(_third_sync)]), ["first", "second", "third"]),
    ],
)
def test_changing_it_in_place_changes_the_signal(signal, change, left):
    """Each method that changes a list changes what the next send calls."""
    signal.connect(first)
    signal.connect(second)
    change(signal.receivers)
    assert responses(signal) == left


def _third_sync(**kwargs):
    return "third"


def entry(receiver, sender_id=None, held=None, reference=None):
    rest = (reference,) if HAS_SENDER_REFERENCE else ()
    key = (_make_id(receiver), _make_id(None) if sender_id is None else sender_id)
    return (key, held or weakref.ref(receiver), *rest, False)


def test_reading_does_not_keep_receivers_alive(signal):
    """An entry holds its receiver weakly if the registration does."""
    listener = Listener()
    signal.connect(listener.receive)
    entries = signal.receivers
    del listener
    assert signal.receivers == []
    assert entries[0][1]() is None


def test_clearing_dead_receivers_by_hand(signal):
    """`_clear_dead_receivers`, which Django's own tests call, removes dead receivers."""
    signal.connect(Listener().receive)
    with signal.lock:
        signal._clear_dead_receivers()
    assert len(signal.receivers) == 0
