"""Copies and pickles of signals."""

import copy
import gc
import pickle

import pytest

from clarion import Signal, signal
from clarion.errors import ArgumentError, ClarionError
from tests.core.receivers import Listener, Sender, answering, answers, echo

importable = Signal()
given = Signal(name="another.name")


@signal
def declared(sender: object, *, n: int = 1) -> None:
    """Declare a signal."""


class Holder:
    """An object that holds a signal."""

    of_class = Signal()

    def __init__(self, held):
        self.held = held


COPIES = [copy.copy, copy.deepcopy, lambda it: copy.deepcopy(Holder(it)).held]


@pytest.mark.parametrize("duplicate", COPIES, ids=["shallow", "deep", "of the holder"])
class TestCopies:
    """A copy has the same receivers, and no shared table."""

    def test_a_copy_has_the_same_receivers(self, signal, duplicate):
        """A copy calls the same receivers, with the same options and in the same order."""
        sender, listener = Sender(), Listener()
        signal.connect(answering(1))
        signal.connect(answering(2), priority=1)
        signal.connect(answering(3), sender=sender)
        signal.connect(answering(4), sender=Sender, subclasses=True)
        signal.connect(answering(5), dispatch_uid="five")
        signal.connect(listener.method)
        copied = duplicate(signal)
        assert type(copied) is type(signal)
        for each in (sender, Sender, type("Derived", (Sender,), {}), "text"):
            assert answers(copied.send(each)) == answers(signal.send(each))
        assert copied.disconnect(dispatch_uid="five")
        assert copied.disconnect(listener.method)
        assert 5 in answers(signal.send(None))

    def test_changes_of_one_do_not_reach_the_other(self, signal, duplicate):
        """A connect, a disconnect or a single call on one signal does not change the other."""
        signal.connect(echo)
        signal.connect(answering("once"), once=True)
        copied = duplicate(signal)
        late = answering("late")
        copied.connect(late)
        assert len(copied.send(None)) == 3
        assert len(copied.send(None)) == 2
        assert len(signal.send(None)) == 2
        signal.disconnect(echo)
        assert len(copied.send(None)) == 2

    def test_a_receiver_held_weakly_dies_in_both(self, signal, duplicate):
        """A weakly held receiver dies in the signal and in its copy."""
        listener = Listener()
        signal.connect(listener.method)
        copied = duplicate(signal)
        del listener
        gc.collect()
        assert not copied.has_listeners()
        assert copied.send(None) == signal.send(None) == []

    def test_a_copy_of_a_declared_signal_is_declared(self, duplicate):
        """A copy of a declared signal has its declaration and its name."""
        copied = duplicate(declared)
        copied.connect(lambda sender, n: n)
        assert answers(copied.send(None)) == [1]
        assert declared.send(None) == []
        assert copied.name == declared.name
        with pytest.raises(ClarionError):
            copied.send(None, other=1)


def test_a_deep_copy_keeps_identity():
    """An object that holds one signal twice still does so after a deep copy."""
    held = Signal()
    one, two = copy.deepcopy([Holder(held), Holder(held)])
    assert one.held is two.held is not held


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("each", [importable, given, declared, Holder.of_class], ids=repr)
def test_a_pickle_names_the_place_of_the_signal(each, protocol):
    """Loading a pickle returns the signal of the process, with its receivers."""
    assert pickle.loads(pickle.dumps(each, protocol)) is each  # noqa: S301
    assert pickle.loads(pickle.dumps(Holder(each), protocol)).held is each  # noqa: S301


def test_a_signal_without_a_place_is_not_pickled(signal):
    """A signal that no module holds is not pickled, and the error has the cure."""
    with pytest.raises(ArgumentError, match="cannot be pickled, because no module holds it"):
        pickle.dumps(Holder(signal))
    with pytest.raises(ArgumentError, match="cannot be pickled"):
        pickle.dumps(Signal(name="not.a.place"))
