"""The table of a signal: the receivers of each sender."""

import pytest

from tests.core.receivers import (
    Sender,
    collect,
)
from tests.core.tables import Base, Both, Derived, Other, register


class TestRouting:
    """The registrations that a sender's route contains."""

    def test_senders_without_receivers_share_a_route(self, table):
        """Senders without receivers share one route, and leave no trace."""
        any_sender = register(table)
        register(table, sender=Sender)
        found = table.find_route(None)
        assert found.registrations == (any_sender,)
        for stranger in (Sender(), Base, "text", 1, b"bytes", (1, 2), [], object()):
            assert table.find_route(stranger) is found
        assert len(table.buckets) == 1

    def test_a_sender_is_found_by_identity(self, table):
        """An object is another sender than an equal one."""

        class Equal(Sender):
            def __eq__(self, other):
                return True

            def __hash__(self):
                return 1

        one, two = Equal(), Equal()
        registration = register(table, sender=one)
        assert table.find_route(one).registrations == (registration,)
        assert table.find_route(two).registrations == ()

    @pytest.mark.parametrize(
        ("connected", "sent"),
        [
            pytest.param("web", "".join(["w", "eb"]), id="text"),
            pytest.param(b"web", bytes(bytearray(b"web")), id="bytes"),
            pytest.param(10**20, int("1" + "0" * 20), id="integer"),
        ],
    )
    def test_a_value_is_found_by_equality(self, table, connected, sent):
        """Two equal texts, bytes or integers are one sender."""
        assert connected is not sent
        registration = register(table, sender=connected)
        assert table.find_route(sent).registrations == (registration,)
        assert table.find_route(connected).registrations == (registration,)

    @pytest.mark.parametrize("falsy", ["", 0, b"", (), frozenset()], ids=repr)
    def test_a_falsy_sender_is_a_sender(self, table, falsy):
        """Only None means any sender."""
        registration = register(table, sender=falsy)
        assert table.find_route(falsy).registrations == (registration,)
        assert table.find_route(None).registrations == ()
        assert table.find_route(Sender).registrations == ()

    def test_any_and_one_sender_are_merged_in_order(self, table):
        """Receivers of any and of one sender are merged by priority and order of connection."""
        first = register(table, sender="web")
        second = register(table)
        early = register(table, priority=1)
        third = register(table, sender="web")
        assert table.find_route("web").registrations == (early, first, second, third)
        assert table.find_route("phone").registrations == (early, second)

    def test_connecting_to_one_sender_leaves_the_routes_of_others(self, table):
        """A connect for one sender drops only the routes that it changes."""
        register(table, sender="web")
        register(table, sender="phone")
        web, phone, any_sender = (table.find_route(sender) for sender in ("web", "phone", None))
        register(table, sender="web")
        assert table.find_route("web") is not web
        assert table.find_route("phone") is phone
        assert table.find_route(None) is any_sender

    def test_connecting_to_any_sender_drops_all_routes(self, table):
        """A connect for any sender drops all routes."""
        register(table, sender="web")
        web, any_sender = table.find_route("web"), table.find_route(None)
        registration = register(table)
        assert table.find_route("web") is not web
        assert table.find_route(None) is not any_sender
        assert registration in table.find_route("web").registrations
        table.discard(registration)
        assert registration not in table.find_route("web").registrations
        assert registration not in table.find_route(None).registrations

    def test_a_route_is_built_once(self, table):
        """Without changes every send finds the same route."""
        register(table, sender="web")
        assert table.find_route("web") is table.find_route("web")
        assert table.find_route("phone") is table.find_route(None)

    def test_a_sender_without_receivers_leaves_no_trace(self, table):
        """The last disconnect of a sender removes its bucket."""
        one, two = register(table, sender="web"), register(table, sender="web")
        table.find_route("web")
        assert table.discard(one)
        assert table.buckets
        assert table.discard(two)
        assert not table.buckets
        assert not table._built


class TestSubclasses:
    """Receivers with subclasses=True get the sends of subclasses."""

    def test_sends_of_subclasses_are_received(self, table):
        """A receiver gets the sends of a class and its subclasses, not of instances or bases."""
        registration = register(table, sender=Base, subclasses=True)
        for heard in (Base, Derived, Both):
            assert table.find_route(heard).registrations == (registration,)
        for unheard in (Base(), Derived(), object, Other, None, "Base"):
            assert table.find_route(unheard).registrations == ()

    def test_by_default_only_the_class_is_received(self, table):
        """Without subclasses=True a receiver gets only the sends of the class."""
        register(table, sender=Base)
        assert table.find_route(Derived).registrations == ()

    def test_the_routes_of_subclasses_are_dropped_with_a_change(self, table):
        """A connect or disconnect for a base class drops the routes of subclasses."""
        early = register(table, sender=Base, subclasses=True)
        assert table.find_route(Both).registrations == (early,)
        late = register(table, sender=Other, subclasses=True, priority=1)
        assert table.find_route(Both).registrations == (late, early)
        table.discard(early)
        assert table.find_route(Both).registrations == (late,)
        table.discard(late)
        assert table.find_route(Both).registrations == ()

    def test_connecting_without_subclasses_keeps_their_routes(self, table):
        """A connect without subclasses=True keeps the routes of subclasses."""
        register(table, sender=Base, subclasses=True)
        found = table.find_route(Derived)
        register(table, sender=Base)
        assert table.find_route(Derived) is found

    def test_a_subclass_with_its_own_listeners(self, table):
        """Receivers of a subclass and of its bases are merged in order."""
        base = register(table, sender=Base, subclasses=True)
        own = register(table, sender=Both)
        other = register(table, sender=Other, subclasses=True)
        assert table.find_route(Both).registrations == (base, own, other)
        table.discard(own)
        assert table.find_route(Both).registrations == (base, other)

    def test_a_diamond_is_received_once(self, table):
        """A base that is inherited twice has its receivers called once."""

        class Left(Base):
            pass

        class Right(Base):
            pass

        class Bottom(Left, Right):
            pass

        registration = register(table, sender=Base, subclasses=True)
        assert table.find_route(Bottom).registrations == (registration,)

    def test_later_subclasses_are_received(self, table):
        """A class that is defined after the connect is a subclass like any other."""
        registration = register(table, sender=Base, subclasses=True)

        class Late(Base):
            pass

        assert table.find_route(Late).registrations == (registration,)

    def test_object_is_a_base_of_all_classes(self, table):
        """A receiver of `object` gets the sends of all classes, and not of instances."""
        registration = register(table, sender=object, subclasses=True)
        assert table.find_route(Both).registrations == (registration,)
        assert table.find_route(type).registrations == (registration,)
        assert table.find_route(Both()).registrations == ()

    def test_a_transient_subclass_leaves_no_trace(self, table):
        """A subclass that has sent leaves nothing in the table when it dies."""
        register(table, sender=Base, subclasses=True)
        subclass = type("Transient", (Base,), {})
        found = table.find_route(subclass)
        assert table.find_route(subclass) is found
        assert id(subclass) in table._built
        key = id(subclass)
        del subclass
        collect()
        assert key not in table._built
        assert len(table.buckets) == 1

    def test_a_living_subclass_leaves_no_route(self, table):
        """The last disconnect with subclasses=True removes the routes of living subclasses."""
        registration = register(table, sender=Base, subclasses=True)
        table.find_route(Derived)
        table.discard(registration)
        assert not table.buckets
        assert not table._built

    def test_connecting_to_a_subclass_after_it_has_sent(self, table):
        """A receiver can be connected to a subclass that has sent, and disconnected."""
        base = register(table, sender=Base, subclasses=True)
        assert table.find_route(Derived).registrations == (base,)
        own = register(table, sender=Derived)
        assert table.find_route(Derived).registrations == (base, own)
        table.discard(own)
        assert table.find_route(Derived).registrations == (base,)

    def test_a_transient_base_leaves_no_trace(self, table):
        """A base class that dies leaves nothing in the table."""
        base = type("Transient", (), {})
        register(table, sender=base, subclasses=True)
        assert table.subclass_registrations
        del base
        collect()
        assert not table.buckets
        assert not table.subclass_registrations
