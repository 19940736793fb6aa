"""Whatever a block connected and disconnected is put back."""

import importlib
import sys
import textwrap
from unittest.mock import Mock

import pytest

from clarion import Signal
from clarion.introspect import registrations
from clarion.testing import restored
from tests.core.receivers import Listener, Sender, answering, answers, collect

opened = Signal(name="shop.opened")


def one(**kwargs):
    """Answer 1."""
    return 1


def two(**kwargs):
    """Answer 2."""
    return 2


@pytest.fixture(autouse=True)
def _connected():
    opened.connect(one)
    opened.connect(two)


def heard(signal=opened, sender=None):
    """Send, and return what was answered."""
    return answers(signal.send(sender))


def test_what_was_connected_is_disconnected():
    """Receivers that the block connected are gone after it."""
    with restored():
        opened.connect(answering(3))
        opened.connect(one, sender="web")
        assert heard(sender="web") == [1, 2, 3, 1]
    assert heard(sender="web") == [1, 2]


def test_what_was_disconnected_is_connected():
    """Receivers that the block disconnected are back, each in its place."""
    with restored():
        opened.disconnect(one)
        assert heard() == [2]
    assert heard() == [1, 2]


def test_order_is_kept():
    """Who was disconnected and connected again in the block is where it was before."""
    with restored():
        opened.disconnect(one)
        opened.connect(one)
        assert heard() == [2, 1]
    assert heard() == [1, 2]


def test_registrations_are_the_same():
    """What a receiver was connected with is as before, since it is the same registration."""
    opened.connect(one, sender=Sender, dispatch_uid="one", priority=3, subclasses=True)
    before = registrations(opened)
    with restored():
        for registration in before:
            opened.disconnect(registration.live(), registration.sender, registration.uid)
        assert not registrations(opened)
    assert registrations(opened) == before
    assert heard(sender=type("Sub", (Sender,), {})) == [1, 1, 2]


def test_a_replaced_registration_is_put_back():
    """Of one that was connected anew with another priority, the old one is back."""
    with restored():
        opened.disconnect(two)
        opened.connect(two, priority=1)
        assert heard() == [2, 1]
    assert heard() == [1, 2]


def test_registrations_that_changed_places_are_put_back():
    """The order is as before, also after the table was filled anew in another."""
    table = opened._table
    with restored():
        first, second = table.registrations()
        first.move_to_end()
        table.replace([second, first])
        assert heard() == [2, 1]
    assert heard() == [1, 2]


def test_an_emptied_table_is_filled():
    """`replace`, by which others empty a signal for a while, is undone too."""
    with restored():
        opened._table.replace([])
        assert heard() == []
    assert heard() == [1, 2]


def test_senders_that_cannot_die_are_kept():
    """Registrations for text and for classes are put back for the same sender."""
    opened.connect(one, sender="web")
    opened.connect(one, sender=Sender)
    with restored():
        opened._table.replace([])
    assert heard(sender=str(b"web", "ascii")) == [1, 2, 1]
    assert heard(sender=Sender) == [1, 2, 1]


def test_a_receiver_that_died_stays_dead():
    """A receiver held weakly that died in the block leaves nothing behind."""
    listener = Listener()
    opened.connect(listener.method)
    with restored():
        del listener
        collect()
    assert [registration.live() for registration in registrations(opened)] == [one, two]
    assert opened._table.find_route(None).strong_receivers == (one, two)


def test_a_receiver_that_was_disconnected_and_died_stays_dead():
    """Nor is one entered again that had been taken out before it died."""
    listener = Listener()
    opened.connect(listener.method)
    with restored():
        opened.disconnect(listener.method)
        del listener
        collect()
    assert len(registrations(opened)) == 2


def test_a_receiver_dies_after_the_block():
    """A receiver that was put back is still held weakly, and leaves when it dies."""
    listener = Listener()
    opened.connect(listener.method)
    with restored():
        opened.disconnect(listener.method)
    assert len(registrations(opened)) == 3
    del listener
    collect()
    assert len(registrations(opened)) == 2
    assert opened._table.find_route(None).strong_receivers == (one, two)


def test_a_sender_that_died_stays_dead():
    """Registrations for a sender that died in the block are not put back."""
    sender = Sender()
    opened.connect(one, sender=sender)
    with restored():
        opened.disconnect(one, sender=sender)
        del sender
        collect()
    assert len(registrations(opened)) == 2
    assert not opened._table.buckets


def test_a_once_receiver_has_its_call_again():
    """A receiver that was called for the one time is there for the next block."""
    opened.connect(answering(3), once=True)
    for _ in range(2):
        with restored():
            assert heard() == [1, 2, 3]
            assert heard() == [1, 2]


def test_a_signal_made_in_the_block_is_emptied():
    """A signal that outlives the block in which it was made does not keep its receivers."""
    with restored():
        fresh = Signal()
        fresh.connect(one)
    assert not registrations(fresh)


def test_signals_may_die_in_the_block():
    """A signal that died is not missed."""
    dying = Signal()
    dying.connect(one)
    with restored():
        del dying
        collect()
    assert heard() == [1, 2]


def test_it_is_put_back_after_an_exception():
    """A failing block is undone too."""

    def fail():
        with restored():
            opened.disconnect(one)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert heard() == [1, 2]


def test_blocks_nest():
    """An inner block restores what the outer one had connected by then."""
    with restored():
        opened.connect(answering(3))
        with restored():
            opened.connect(answering(4))
            assert heard() == [1, 2, 3, 4]
        assert heard() == [1, 2, 3]
    assert heard() == [1, 2]


def test_what_did_not_change_is_left_alone():
    """A signal that the block only sent keeps its routes."""
    route = opened._table.find_route(None)
    with restored():
        heard()
    assert opened._table.find_route(None) is route


@pytest.fixture
def new_module(tmp_path, monkeypatch):
    """Return a function that writes a module and imports it for the first time."""
    monkeypatch.syspath_prepend(tmp_path)

    def new_module(source):
        path = tmp_path / f"lazy_shop_{len(list(tmp_path.iterdir()))}.py"
        path.write_text(
            "from functools import partial\nfrom tests.testing.test_reset import *\n"
            + textwrap.dedent(source)
        )
        importlib.invalidate_caches()
        # Set and deleted, so that it is deleted when the test ends.
        monkeypatch.setitem(sys.modules, path.stem, None)
        monkeypatch.delitem(sys.modules, path.stem)
        return importlib.import_module(path.stem)

    return new_module


MODULE = """
    def listen(**kwargs): return 3

    class Shop:
        def __call__(self, **kwargs): return 4
        def method(self, **kwargs): return 5

    shop = Shop()
    opened.connect(listen)
    opened.connect(partial(listen))
    opened.connect(shop)
    opened.connect(shop.method)
"""


def test_receivers_of_a_new_module_stay(new_module):
    """Functions, partials, objects and methods of a module first imported in the block stay."""
    with restored():
        new_module(MODULE)
        assert heard() == [1, 2, 3, 3, 4, 5]
    assert heard() == [1, 2, 3, 3, 4, 5]


def test_a_new_module_does_not_save_the_test(new_module):
    """What the block itself connected is undone, also to a signal of the new module."""
    with restored():
        module = new_module("""
            closed = Signal()
            def listen(**kwargs): return 3
            closed.connect(listen)
        """)
        for signal in (opened, module.closed):
            signal.connect(one, sender="web")
            signal.connect(answering(4))
            signal.connect(Mock())
            signal.connect({}.update)
        assert len(heard(module.closed)) == 4
    assert heard(module.closed) == [3]
    assert heard() == [1, 2]


def test_closures_of_a_new_module_are_undone(new_module):
    """A function made by a function of the new module was made by the test."""
    with restored():
        opened.connect(new_module("def make(): return lambda **kwargs: 3").make())
        assert heard() == [1, 2, 3]
    assert heard() == [1, 2]


def test_a_module_that_was_there_is_undone(new_module):
    """Receivers of a module that was imported before the block are undone."""
    module = new_module("def listen(**kwargs): return 3")
    with restored():
        opened.connect(module.listen)
    assert heard() == [1, 2]
