"""All signals that are alive."""

import copy
import gc

from clarion import signal as declare
from clarion._core import registry
from tests.core.receivers import echo


def test_signals_are_listed_as_they_are_made(make):
    """Every signal alive is there, declared ones too, in the order of their making."""

    @declare
    def declared(sender: object) -> None: ...

    first, second = make(), make()
    mine = [signal for signal in registry.signals() if signal in (declared, first, second)]
    assert mine == [declared, first, second]


def test_a_dead_signal_leaves_at_once(make):
    """A signal that nobody needs goes without the garbage collector, connected or not."""
    gc.disable()
    try:
        signal = make()
        signal.connect(echo)
        key = id(signal)
        assert key in registry._alive
        del signal
        assert key not in registry._alive
    finally:
        gc.enable()


def test_a_signal_may_be_unhashable(make):
    """A subclass that compares by value, and so has no hash, is listed all the same."""

    class Equal(make):  # type: ignore[misc, valid-type]
        def __eq__(self, other):
            return isinstance(other, Equal)

        __hash__ = None  # type: ignore[assignment]

    one, two = Equal(), Equal()
    assert len([signal for signal in registry.signals() if type(signal) is Equal]) == 2
    assert one is not two


def test_a_signal_can_leave(signal):
    """A signal that is given back to whom it was taken from is forgotten, alive as it is."""
    registry.remove(signal)
    assert not any(each is signal for each in registry.signals())
    registry.remove(signal)


def test_what_is_a_signal(signal):
    """A signal that is alive, and no other object."""
    assert registry.is_signal(signal)
    assert not registry.is_signal(echo)


def test_the_list_is_a_copy(signal):
    """What is done to the list is not done to the registry."""
    listed = registry.signals()
    before = copy.copy(listed)
    listed.clear()
    assert registry.signals() == before
