"""The table of a signal: receivers and senders that die."""

import gc
import weakref
from typing import Any

import pytest

from clarion._core import lifetimes
from clarion._core import registration as registration_module
from clarion._core import table as table_module
from clarion._core.registration import Registration, sender_key
from clarion._core.table import Table
from tests.core.receivers import (
    Listener,
    Sender,
    Slotted,
    answering,
    collect,
    echo,
)


@pytest.fixture
def table():
    """Return a table without registrations."""
    return Table()


def register(table, receiver=None, sender=None, **options):
    """Enter a receiver for a sender, as Signal.connect does."""
    registration = Registration().fill(
        receiver or answering(None),
        None if sender is None else sender_key(sender),
        finalizer=table.finalizer,
        **options,
    )
    table.add(registration, sender)
    return registration


class Base:
    """A class to derive from."""


class Other:
    """Another class to derive from."""


class Derived(Base):
    """A subclass."""


class Both(Derived, Other):
    """A subclass of two."""


class TestLifetime:
    """What happens when senders and receivers die."""

    def test_a_dead_sender_leaves_no_trace(self, table):
        """Its bucket closes at once, without the garbage collector."""
        gc.disable()
        try:
            sender = Sender()
            register(table, sender=sender)
            table.find_route(sender)
            assert table.buckets
            del sender
            assert not table.buckets
            assert not table._built
            assert table.registrations() == []
        finally:
            gc.enable()

    def test_a_change_amid_keeping_a_route_is_seen(self, table, monkeypatch):
        """A finaliser may connect while a route is being kept; the next send knows."""

        class Base:
            """A sender."""

        class Derived(Base):
            """Its subclass, whose route is kept in a bucket of its own."""

        register(table, sender=Base, subclasses=True)
        remember = lifetimes.remember
        late: list[Any] = []

        def interrupted(table, sender, key):
            if not late:
                late.append(None)
                late.append(register(table, answering(2)))
            return remember(table, sender, key)

        monkeypatch.setattr(lifetimes, "remember", interrupted)
        table.find_route(Derived)
        assert late[1] in table.find_route(Derived).registrations

    def test_a_new_sender_does_not_inherit(self, table, monkeypatch):
        """When the id of a dead sender comes back as another's, that is another sender."""
        for module in (registration_module, table_module):
            monkeypatch.setattr(
                module, "id", lambda o: 7 if isinstance(o, Sender) else id(o), raising=False
            )
        sender = Sender()
        register(table, sender=sender)
        del sender
        collect()
        again = Sender()
        assert table.find_route(again).registrations == ()
        registration = register(table, sender=again)
        assert table.find_route(again).registrations == (registration,)

    def test_a_new_receiver_does_not_inherit(self, table, monkeypatch):
        """When the id of a dead receiver comes back, the new one can be connected."""
        monkeypatch.setattr(
            registration_module,
            "id",
            lambda o: 7 if isinstance(o, Listener) else id(o),
            raising=False,
        )
        listener = Listener()
        register(table, listener.method)
        del listener
        again = Listener()
        registration = register(table, again.method)
        assert table.registrations() == [registration]
        assert table.find_route(None).live() == [again.method]

    def test_a_sender_is_not_kept_alive(self, table):
        """Listening to an object does not keep it, nor does having heard it."""
        sender = Sender()
        registration = register(table, sender=sender)
        assert registration.sender is sender
        table.find_route(sender)
        alive = weakref.ref(sender)
        del sender
        assert alive() is None
        assert registration.sender is None

    def test_a_sender_that_takes_no_references_is_kept(self, table):
        """Its id must not come back as another's, so it lives as long as it is listened to."""
        sender = Slotted()
        registration = register(table, sender=sender)
        key = id(sender)
        del sender
        collect()
        assert id(registration.sender) == key
        table.discard(registration)
        assert not table.buckets

    def test_a_dead_receiver_leaves_no_trace(self, table):
        """Its registration goes, and with the last one its sender's bucket."""
        listener = Listener()
        register(table, listener.method, sender="web")
        register(table, listener.method)
        table.find_route("web")
        del listener
        collect()
        assert table.find_route("web").registrations == ()
        assert table.registrations() == []
        assert not table.buckets
        assert not table.dead

    def test_a_death_drops_the_routes_it_is_in(self, table):
        """A dying receiver of one sender leaves the routes of others."""
        listener = Listener()
        register(table, listener.method, sender="web")
        register(table, sender="phone")
        web, phone = table.find_route("web"), table.find_route("phone")
        del listener
        collect()
        assert table.find_route("phone") is phone
        assert table.find_route("web") is not web

    def test_a_dead_receiver_of_a_base_class_is_in_no_route(self, table):
        """Routes of subclasses are dropped with it."""
        listener = Listener()
        register(table, listener.method, sender=Base, subclasses=True)
        assert len(table.find_route(Both).registrations) == 1
        del listener
        collect()
        assert table.find_route(Both).registrations == ()

    def test_only_the_dead_is_buried(self, table):
        """Who is connected anew, with the uid of one that has died, stays."""
        listener = Listener()
        register(table, listener.method, uid="one")
        died = listener.method
        del listener, died
        again = register(table, echo, uid="one")
        assert table.registrations() == [again]
        assert table.find_route(None).live() == [echo]

    def test_a_table_goes_at_once(self, make):
        """What only a signal's registrations hold goes with the signal, without the collector."""
        gc.disable()
        try:
            signal, sender, receiver = make(), Sender(), Listener()
            signal.connect(receiver, sender=sender)
            signal.connect(receiver.method, sender=sender)
            signal.send(sender)
            alive = weakref.ref(receiver)
            del receiver, signal
            assert alive() is None
        finally:
            gc.enable()

    def test_a_table_may_go_before_those_in_it(self):
        """Receivers and senders that outlive the signal die in peace."""
        table, sender, listener = Table(), Sender(), Listener()
        register(table, listener.method, sender=sender)
        alive = weakref.ref(table)
        del table
        collect()
        assert alive() is None
        mourned = weakref.ref(sender), weakref.ref(listener)
        del sender, listener
        collect()
        assert [reference() for reference in mourned] == [None, None]
