"""The registry of all living signals."""

import copy
import gc

from clarion import signal as declare
from clarion._core import registry
from tests.core.receivers import echo


def test_signals_are_listed_in_order_of_creation(make):
    """Living signals are listed in the order of their creation, declared ones too."""

    @declare
    def declared(sender: object) -> None: ...

    first, second = make(), make()
    mine = [signal for signal in registry.signals() if signal in (declared, first, second)]
    assert mine == [declared, first, second]


def test_a_dead_signal_is_removed_at_once(make):
    """An unused signal is freed without the garbage collector, connected or not."""
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
    """An unhashable subclass of Signal is listed too."""

    class Equal(make):  # type: ignore[misc, valid-type]
        def __eq__(self, other):
            return isinstance(other, Equal)

        __hash__ = None  # type: ignore[assignment]

    one, two = Equal(), Equal()
    assert len([signal for signal in registry.signals() if type(signal) is Equal]) == 2
    assert one is not two


def test_a_signal_can_be_removed(signal):
    """A signal can be removed from the registry while it is alive."""
    registry.remove(signal)
    assert not any(each is signal for each in registry.signals())
    registry.remove(signal)


def test_is_signal(signal):
    """A living signal is a signal, and any other object is not."""
    assert registry.is_signal(signal)
    assert not registry.is_signal(echo)


def test_the_list_is_a_copy(signal):
    """A change of the returned list does not change the registry."""
    listed = registry.signals()
    before = copy.copy(listed)
    listed.clear()
    assert registry.signals() == before
