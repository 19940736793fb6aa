"""Copies and pickles of Django's signals."""

import copy
import pickle

import pytest
from django.db.models.signals import ModelSignal, post_delete, post_save
from django.dispatch import Signal

from clarion import on_commit
from clarion.errors import ArgumentError
from clarion.integrations.django import post_bulk_update
from clarion.introspect import registrations
from clarion.policy import policy_of
from tests.integrations.django import programs
from tests.integrations.django.library.models import Author

importable = Signal()


class Numbered(Signal):
    """A signal with an attribute of its own."""

    def __init__(self, numbers):
        super().__init__(use_caching=True)
        self.numbers = numbers


class Holder:
    """An object that holds a signal."""

    held = Signal()

    def __init__(self, signal):
        self.signal = signal


class Listener:
    """Has a method that receives."""

    def receive(self, **kwargs):
        return "received"


def first(**kwargs):
    return "first"


def second(**kwargs):
    return "second"


WAYS = pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda it: copy.deepcopy(Holder(it)).signal],
    ids=["shallow", "deep", "of the holder"],
)


@WAYS
@pytest.mark.parametrize("kind", [Signal, ModelSignal])
def test_a_copy_has_the_same_receivers(kind, duplicate):
    """A copy has the same receivers in the same order, and neither signal changes the other."""
    signal, listener = kind(), Listener()
    signal.connect(first)
    signal.connect(second, sender=Author, priority=2)
    signal.connect(first, dispatch_uid="uid", weak=False)
    signal.connect(listener.receive)
    signal.connect(second, dispatch_uid="later", delivery=on_commit)
    copied = duplicate(signal)
    assert type(copied) is kind
    for sender in (None, Author):
        assert [each for each, _ in copied.send(sender)] == [
            each for each, _ in signal.send(sender)
        ]
    assert len(copied.receivers) == len(signal.receivers) == 5
    assert copied.disconnect(first)
    copied.receivers.pop()
    assert len(signal.receivers) == 5
    assert signal.lock is not copied.lock
    del listener
    assert len(copied.receivers) == 2


@WAYS
def test_a_copy_of_djangos_own_signal(duplicate):
    """A copy of a model signal provides changes to its receivers, and Django does not send it."""
    copied = duplicate(post_save)
    assert copied is not post_save
    assert policy_of(copied) is policy_of(post_save)
    assert len(registrations(copied)) == len(registrations(post_save))
    copied.connect(first)
    assert first not in [each.live() for each in registrations(post_save)]


@WAYS
def test_attributes_of_a_subclass(duplicate):
    """A shallow copy shares the attributes of a subclass, and a deep one copies them."""
    signal = Numbered([1, 2])
    copied = duplicate(signal)
    assert copied.numbers == [1, 2]
    assert copied.use_caching
    assert (copied.numbers is signal.numbers) == (duplicate is copy.copy)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "signal",
    [post_save, post_delete, post_bulk_update, importable, Holder.held],
    ids=["post_save", "post_delete", "bulk", "module", "class"],
)
def test_a_pickle_is_the_signal_itself(signal, protocol):
    """A pickle stores where the signal can be imported, so loading it returns the same signal."""
    assert pickle.loads(pickle.dumps(signal, protocol)) is signal  # noqa: S301
    held = pickle.loads(pickle.dumps(Holder(signal), protocol))  # noqa: S301
    assert held.signal is signal


@pytest.mark.parametrize("make", [Signal, lambda: copy.copy(post_save)], ids=["new", "copy"])
def test_a_signal_that_no_module_holds(make):
    """Pickling is refused for a signal that no module holds, because no import could find it."""
    with pytest.raises(ArgumentError, match="cannot be pickled, because no module holds it"):
        pickle.dumps(make())


def test_without_clarion_django_refuses():
    """After uninstall() copies and pickles are Django's again, and a copy is a plain signal."""
    lines = programs.run(
        """
        import copy, pickle
        from django.dispatch import Signal
        from clarion.integrations.django import install, uninstall

        def receive(**kwargs):
            print("received")

        install()
        signal = Signal()
        signal.connect(receive)
        copied = copy.deepcopy(signal)
        uninstall()
        for function in (copy.deepcopy, pickle.dumps):
            try:
                function(signal)
            except TypeError as error:
                print("lock" in str(error))
        signal.disconnect(receive)
        copied.send(None)
        """
    )
    assert lines == ["True", "True", "received"]
