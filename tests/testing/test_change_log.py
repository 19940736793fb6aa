"""The log of changes: what it costs, and what it undoes."""

import sys
import threading
import weakref
from collections import Counter

import pytest

from clarion import Signal
from clarion._core.registration import Registration, sender_key
from clarion._core.tabled import table_of
from clarion.testing.change_log import logged
from tests.core.receivers import Listener, answering, answers, collect

opened = Signal()


def undone():
    """Return a log that keeps nothing."""
    return logged(lambda _: False)


def calls_of(function):
    """Return how many Python functions a call of a function calls."""
    calls: Counter[str] = Counter()
    before = sys.getprofile()
    sys.setprofile(lambda _, event, __: calls.update([event]))
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls["call"]


@pytest.mark.parametrize("connects", [True, False])
def test_the_cost_does_not_grow_with_unchanged_signals(connects):
    """Neither with the receivers of a signal nor with the number of signals."""

    def listen(**kwargs): ...

    def block():
        with undone():
            if connects:
                opened.connect(listen, sender="one")

    block()
    few = calls_of(block)
    others = [Signal() for _ in range(200)]
    for signal in (opened, *others):
        for number in range(20):
            signal.connect(answering(number), sender=f"sender {number}")
    assert calls_of(block) == few


def test_a_change_is_kept_if_its_maker_is():
    """A change is kept if the code that made it is kept; the log asks at each change."""
    is_kept: list[bool] = []
    with logged(lambda _: bool(is_kept)):
        opened.connect(one := answering(1))
        is_kept.append(True)
        opened.connect(two := answering(2))
        is_kept.clear()
        opened.disconnect(two)
        assert answers(opened.send(None)) == [1]
    assert answers(opened.send(None)) == [2]
    opened.disconnect(two)
    assert not opened.disconnect(one)


def test_changes_of_another_thread_are_undone():
    """A log is not limited to the thread that began it."""
    with undone():
        thread = threading.Thread(target=opened.connect, args=(answering(1),))
        thread.start()
        thread.join()
        assert answers(opened.send(None)) == [1]
    assert answers(opened.send(None)) == []


def test_a_receiver_of_the_block_is_freed():
    """The log does not keep alive what was connected in the block."""
    with undone():
        listener = Listener()
        opened.connect(listener.method, weak=False)
        opened.disconnect(listener.method)
        reference = weakref.ref(listener)
        del listener
        collect()
        assert reference() is None


def test_a_receiver_that_moves_to_its_class_is_undone():
    """Although the program maps the class: the move keeps the place in the order."""
    signal, receiver = Signal(), answering("web")
    table = table_of(signal)
    is_kept = False
    with logged(lambda _: is_kept):
        signal.connect(receiver, sender="Order")
        is_kept = True
        (waiting,) = table.registrations()
        table.discard(waiting)
        moved = Registration().fill(receiver, sender_key("Moved"))
        moved.restore(waiting.order)
        table.add(moved, "Moved")
    assert table.registrations() == []
