"""restored: connections after the block are those before it."""

import importlib
import sys
import textwrap
from unittest.mock import Mock

import pytest

from clarion import Signal
from clarion.introspect import registrations
from clarion.testing import restored
from clarion.testing.reset import lasting
from tests.core.receivers import Listener, Sender, answering, answers, collect

opened = Signal(name="shop.opened")


def one(**kwargs):
    """Return 1."""
    return 1


def two(**kwargs):
    """Return 2."""
    return 2


@pytest.fixture(autouse=True)
def _connected():
    opened.connect(one)
    opened.connect(two)
    yield
    with lasting():  # the plugin keeps the receivers of the imported modules
        opened._table.replace([])


def heard(signal=opened, sender=None):
    """Send, and return the responses."""
    return answers(signal.send(sender))


def test_connected_receiver_is_disconnected():
    """A receiver that the block connects is disconnected after it."""
    with restored():
        opened.connect(answering(3))
        opened.connect(one, sender="web")
        assert heard(sender="web") == [1, 2, 3, 1]
    assert heard(sender="web") == [1, 2]


def test_disconnected_receiver_is_connected():
    """At its place in the order."""
    with restored():
        opened.disconnect(one)
        assert heard() == [2]
    assert heard() == [1, 2]


def test_order_is_kept():
    """A receiver that was disconnected and connected again has its old place."""
    with restored():
        opened.disconnect(one)
        opened.connect(one)
        assert heard() == [2, 1]
    assert heard() == [1, 2]


def test_registrations_are_the_same():
    """With all options, because the registration is the same object."""
    opened.connect(one, sender=Sender, dispatch_uid="one", priority=3, subclasses=True)
    before = registrations(opened)
    with restored():
        for registration in before:
            opened.disconnect(registration.live(), registration.sender, registration.uid)
        assert not registrations(opened)
    assert registrations(opened) == before
    assert heard(sender=type("Sub", (Sender,), {})) == [1, 1, 2]


def test_replaced_registration_is_restored():
    """After a connect with another priority."""
    with restored():
        opened.disconnect(two)
        opened.connect(two, priority=1)
        assert heard() == [2, 1]
    assert heard() == [1, 2]


def test_changed_order_is_restored():
    """Also after the table was filled again in another order."""
    table = opened._table
    with restored():
        first, second = table.registrations()
        first.move_to_end()
        table.replace([second, first])
        assert heard() == [2, 1]
    assert heard() == [1, 2]


def test_an_emptied_table_is_filled():
    """`replace`, with which other code empties a signal for a while, is undone."""
    with restored():
        opened._table.replace([])
        assert heard() == []
    assert heard() == [1, 2]


def test_senders_that_cannot_die_are_kept():
    """Registrations for text and classes keep their sender."""
    opened.connect(one, sender="web")
    opened.connect(one, sender=Sender)
    with restored():
        opened._table.replace([])
    assert heard(sender=str(b"web", "ascii")) == [1, 2, 1]
    assert heard(sender=Sender) == [1, 2, 1]


def test_a_receiver_that_died_stays_dead():
    """A weak receiver that died in the block is not restored."""
    listener = Listener()
    opened.connect(listener.method)
    with restored():
        del listener
        collect()
    assert [registration.live() for registration in registrations(opened)] == [one, two]
    assert opened._table.find_route(None).strong_receivers == (one, two)


def test_a_receiver_that_was_disconnected_and_died_stays_dead():
    """Nor one that was disconnected before it died."""
    listener = Listener()
    opened.connect(listener.method)
    with restored():
        opened.disconnect(listener.method)
        del listener
        collect()
    assert len(registrations(opened)) == 2


def test_a_receiver_dies_after_the_block():
    """A restored receiver is still held weakly."""
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
    """Registrations for a sender that died are not restored."""
    sender = Sender()
    opened.connect(one, sender=sender)
    with restored():
        opened.disconnect(one, sender=sender)
        del sender
        collect()
    assert len(registrations(opened)) == 2
    assert not opened._table.buckets


def test_once_receiver_is_renewed():
    """After it was called in the block."""
    opened.connect(answering(3), once=True)
    for _ in range(2):
        with restored():
            assert heard() == [1, 2, 3]
            assert heard() == [1, 2]


def test_a_signal_made_in_the_block_is_emptied():
    """If it exists after the block."""
    with restored():
        fresh = Signal()
        fresh.connect(one)
    assert not registrations(fresh)


def test_signals_may_die_in_the_block():
    """A signal that died causes no error."""
    dying = Signal()
    dying.connect(one)
    with restored():
        del dying
        collect()
    assert heard() == [1, 2]


def test_exception_restores():
    """A block that raises is undone, too."""

    def fail():
        with restored():
            opened.disconnect(one)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert heard() == [1, 2]


def test_blocks_nest():
    """An inner block restores the state at its beginning."""
    with restored():
        opened.connect(answering(3))
        with restored():
            opened.connect(answering(4))
            assert heard() == [1, 2, 3, 4]
        assert heard() == [1, 2, 3]
    assert heard() == [1, 2]


def test_unchanged_signal_keeps_its_routes():
    """A signal that was only sent is not rebuilt."""
    route = opened._table.find_route(None)
    with restored():
        heard()
    assert opened._table.find_route(None) is route


@pytest.fixture
def new_module(tmp_path, monkeypatch):
    """Return a function that writes a module and imports it."""
    monkeypatch.syspath_prepend(tmp_path)

    def new_module(source):
        path = tmp_path / f"lazy_shop_{len(list(tmp_path.iterdir()))}.py"
        path.write_text(
            "from functools import partial\nfrom tests.testing.test_reset import *\n"
            + textwrap.dedent(source)
        )
        importlib.invalidate_caches()
        # Set first, so that monkeypatch deletes it when the test ends.
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
    """Functions, partials, objects and methods of a module first imported in the block."""
    with restored():
        new_module(MODULE)
        assert heard() == [1, 2, 3, 3, 4, 5]
    assert heard() == [1, 2, 3, 3, 4, 5]


def test_connections_of_the_block_are_undone_beside_a_new_module(new_module):
    """Also those to a signal of the new module."""
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


def test_whatever_an_import_connects_stays(new_module):
    """Also closures, wrappers, and receivers of modules imported before."""
    with restored():
        new_module("""
            def make(answer): return lambda **kwargs: answer
            def decorate(function):
                def wrapper(**kwargs): return function(**kwargs)
                return wrapper

            opened.connect(make(3))
            opened.connect(decorate(one))
            opened.connect(one, sender="web")
            opened.connect(answering(4))
            opened.connect(partial(two), dispatch_uid="partial")
            opened.disconnect(one)
        """)
        assert heard(sender="web") == [2, 3, 1, 1, 4, 2]
    assert heard(sender="web") == [2, 3, 1, 1, 4, 2]


def test_an_import_keeps_a_receiver_of_the_block(new_module):
    """A receiver that the block connected first, and then the module."""
    with restored():
        opened.connect(one, sender="web")
        new_module('opened.connect(one, sender="web")')
    assert heard(sender="web") == [1, 2, 1]


def test_a_block_inside_an_import_is_undone(new_module):
    """An import that began before the block has no part in it."""
    module = new_module("""
        from clarion.testing import restored
        with restored():
            opened.connect(answering(3))
            inside = heard()
    """)
    assert module.inside == [1, 2, 3]
    assert heard() == [1, 2]


def test_closures_of_a_new_module_are_undone(new_module):
    """The test has made such a function, not the import."""
    with restored():
        opened.connect(new_module("def make(): return lambda **kwargs: 3").make())
        assert heard() == [1, 2, 3]
    assert heard() == [1, 2]


def test_receivers_of_an_older_module_are_undone(new_module):
    """The module was imported before the block."""
    module = new_module("def listen(**kwargs): return 3")
    with restored():
        opened.connect(module.listen)
    assert heard() == [1, 2]
