"""The table of a signal after receivers and senders die."""

import gc
import weakref
from typing import Any

import pytest

from clarion._core import lifetimes
from clarion._core import registration as registration_module
from clarion._core import table as table_module
from clarion._core.table import Table
from tests.core.receivers import (
    Listener,
    Sender,
    Slotted,
    answering,
    collect,
    echo,
)
from tests.core.tables import Base, Both, register


class TestLifetime:
    """The table after the death of senders and receivers."""

    def test_a_dead_sender_leaves_no_trace(self, table):
        """The bucket of a dead sender is removed at once, without the garbage collector."""
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

    def test_a_change_while_a_route_is_cached(self, table, monkeypatch):
        """A connect by a finaliser while a route is cached takes effect at the next send."""

        class Base:
            """A sender."""

        class Derived(Base):
            """A subclass whose route is cached in its own bucket."""

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
        """A sender with the id of a dead one does not get its receivers."""
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
        """A receiver with the id of a dead one can be connected."""
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
        """Neither a connect nor a send keeps a sender alive."""
        sender = Sender()
        registration = register(table, sender=sender)
        assert registration.sender is sender
        table.find_route(sender)
        alive = weakref.ref(sender)
        del sender
        assert alive() is None
        assert registration.sender is None

    def test_a_sender_without_weak_references_is_held(self, table):
        """A sender without weak references is held, so that its id is not reused."""
        sender = Slotted()
        registration = register(table, sender=sender)
        key = id(sender)
        del sender
        collect()
        assert id(registration.sender) == key
        table.discard(registration)
        assert not table.buckets

    def test_a_dead_receiver_leaves_no_trace(self, table):
        """The registration of a dead receiver is removed, and the last one removes the bucket."""
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

    def test_a_dead_receiver_drops_its_routes(self, table):
        """A dead receiver removes the routes of other senders that contain it."""
        listener = Listener()
        register(table, listener.method, sender="web")
        register(table, sender="phone")
        web, phone = table.find_route("web"), table.find_route("phone")
        del listener
        collect()
        assert table.find_route("phone") is phone
        assert table.find_route("web") is not web

    def test_a_dead_receiver_of_a_base_class_is_in_no_route(self, table):
        """A dead receiver of a base class removes the routes of subclasses."""
        listener = Listener()
        register(table, listener.method, sender=Base, subclasses=True)
        assert len(table.find_route(Both).registrations) == 1
        del listener
        collect()
        assert table.find_route(Both).registrations == ()

    def test_only_the_dead_receiver_is_removed(self, table):
        """A receiver that reuses the uid of a dead one stays connected."""
        listener = Listener()
        register(table, listener.method, uid="one")
        died = listener.method
        del listener, died
        again = register(table, echo, uid="one")
        assert table.registrations() == [again]
        assert table.find_route(None).live() == [echo]

    def test_a_table_is_freed_at_once(self, make):
        """A signal and its registrations are freed without the garbage collector."""
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

    def test_a_table_may_die_before_its_objects(self):
        """Receivers and senders may die after their signal."""
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


class Doomed:
    """An object that only the garbage collector frees; its finalizer runs a function."""

    def __init__(self, function):
        self.itself, self.function = self, function

    def __del__(self):
        self.function()


@pytest.mark.parametrize("read", ["registrations", "find_route", "forget_routes", "close_bucket"])
def test_a_finalizer_disconnects_while_the_table_is_read(read):
    """A garbage collection at any allocation leaves no damaged copy (CPython 3.11)."""
    for allocations in range(1, 30):
        table = Table()
        receivers = [answering(number) for number in range(20)]
        placed = [register(table, each, sender=Both) for each in receivers]
        placed += [register(table, each, sender=Base, subclasses=True) for each in receivers]
        placed += [register(table, each) for each in receivers]
        given = {"find_route": (Both,), "close_bucket": (id(Both),)}.get(read, ())

        def disconnect(table=table, placed=placed):
            for each in placed[::2]:
                table.discard(each)

        thresholds = gc.get_threshold()
        gc.disable()
        try:
            gc.collect()  # so that the count of allocations begins at 0
            Doomed(disconnect)
            gc.set_threshold(allocations)
            gc.enable()
            getattr(table, read)(*given)
        finally:
            gc.set_threshold(*thresholds)
            gc.enable()
        gc.collect()
        left = {each.order for each in table.registrations()}
        gone = {each.order for each in placed[::2]}
        assert not left & gone
