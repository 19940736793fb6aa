"""The table of a signal: which receivers a sender reaches."""

import pytest

from clarion._core.registration import Registration, sender_key
from clarion._core.table import Table
from tests.core.receivers import (
    Sender,
    answering,
    collect,
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


class TestRouting:
    """Which registrations are found for which sender."""

    def test_strangers_share_the_route_of_any_sender(self, table):
        """Senders that nobody connected to leave no trace."""
        any_sender = register(table)
        register(table, sender=Sender)
        found = table.find_route(None)
        assert found.registrations == (any_sender,)
        for stranger in (Sender(), Base, "text", 1, b"bytes", (1, 2), [], object()):
            assert table.find_route(stranger) is found
        assert len(table.buckets) == 1

    def test_a_sender_is_found_by_identity(self, table):
        """An equal object is another sender."""

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
        """Only None stands for any sender."""
        registration = register(table, sender=falsy)
        assert table.find_route(falsy).registrations == (registration,)
        assert table.find_route(None).registrations == ()
        assert table.find_route(Sender).registrations == ()

    def test_any_and_this_sender_are_merged_in_order(self, table):
        """Both hear, by priority and order of connection, whomever they listen to."""
        first = register(table, sender="web")
        second = register(table)
        early = register(table, priority=1)
        third = register(table, sender="web")
        assert table.find_route("web").registrations == (early, first, second, third)
        assert table.find_route("phone").registrations == (early, second)

    def test_connecting_to_one_sender_leaves_the_routes_of_others(self, table):
        """A change drops the routes that it changes, and no others."""
        register(table, sender="web")
        register(table, sender="phone")
        web, phone, any_sender = (table.find_route(sender) for sender in ("web", "phone", None))
        register(table, sender="web")
        assert table.find_route("web") is not web
        assert table.find_route("phone") is phone
        assert table.find_route(None) is any_sender

    def test_connecting_to_any_sender_drops_all_routes(self, table):
        """Who listens to any sender is in every route."""
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
        """As long as nothing changes every send finds the same route."""
        register(table, sender="web")
        assert table.find_route("web") is table.find_route("web")
        assert table.find_route("phone") is table.find_route(None)

    def test_a_sender_that_nobody_listens_to_any_more_leaves_no_trace(self, table):
        """With the last registration its bucket goes."""
        one, two = register(table, sender="web"), register(table, sender="web")
        table.find_route("web")
        assert table.discard(one)
        assert table.buckets
        assert table.discard(two)
        assert not table.buckets
        assert not table._built


class TestSubclasses:
    """Who listens to a class may hear its subclasses too."""

    def test_subclasses_are_heard(self, table):
        """The class itself, its subclasses and theirs; not its instances, not its bases."""
        registration = register(table, sender=Base, subclasses=True)
        for heard in (Base, Derived, Both):
            assert table.find_route(heard).registrations == (registration,)
        for unheard in (Base(), Derived(), object, Other, None, "Base"):
            assert table.find_route(unheard).registrations == ()

    def test_without_asking_only_the_class_is_heard(self, table):
        """Subclasses are for those who asked for them."""
        register(table, sender=Base)
        assert table.find_route(Derived).registrations == ()

    def test_the_routes_of_subclasses_are_dropped_with_a_change(self, table):
        """Who comes after a subclass has sent is heard at its next send, and who goes is not."""
        early = register(table, sender=Base, subclasses=True)
        assert table.find_route(Both).registrations == (early,)
        late = register(table, sender=Other, subclasses=True, priority=1)
        assert table.find_route(Both).registrations == (late, early)
        table.discard(early)
        assert table.find_route(Both).registrations == (late,)
        table.discard(late)
        assert table.find_route(Both).registrations == ()

    def test_connecting_without_subclasses_is_no_concern_of_theirs(self, table):
        """A change for the base class alone leaves the routes of its subclasses."""
        register(table, sender=Base, subclasses=True)
        found = table.find_route(Derived)
        register(table, sender=Base)
        assert table.find_route(Derived) is found

    def test_a_subclass_with_its_own_listeners(self, table):
        """Those of the subclass and those of its bases are merged in order."""
        base = register(table, sender=Base, subclasses=True)
        own = register(table, sender=Both)
        other = register(table, sender=Other, subclasses=True)
        assert table.find_route(Both).registrations == (base, own, other)
        table.discard(own)
        assert table.find_route(Both).registrations == (base, other)

    def test_a_diamond_is_heard_once(self, table):
        """A base that is reached by two ways has its receivers called once."""

        class Left(Base):
            pass

        class Right(Base):
            pass

        class Bottom(Left, Right):
            pass

        registration = register(table, sender=Base, subclasses=True)
        assert table.find_route(Bottom).registrations == (registration,)

    def test_subclasses_made_later_are_heard(self, table):
        """A class that was defined after the connect is a subclass like any other."""
        registration = register(table, sender=Base, subclasses=True)

        class Late(Base):
            pass

        assert table.find_route(Late).registrations == (registration,)

    def test_everything_is_an_object(self, table):
        """The root of all classes may be listened to; instances are still no classes."""
        registration = register(table, sender=object, subclasses=True)
        assert table.find_route(Both).registrations == (registration,)
        assert table.find_route(type).registrations == (registration,)
        assert table.find_route(Both()).registrations == ()

    def test_a_transient_subclass_leaves_no_trace(self, table):
        """When a subclass that has sent dies, all the table knew of it goes."""
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

    def test_nothing_is_left_of_a_subclass_that_has_sent(self, table):
        """When nobody means subclasses any more, the routes of those alive are gone."""
        registration = register(table, sender=Base, subclasses=True)
        table.find_route(Derived)
        table.discard(registration)
        assert not table.buckets
        assert not table._built

    def test_listening_to_a_subclass_after_it_has_sent(self, table):
        """Who connects to the subclass itself is heard, and heard no more when disconnected."""
        base = register(table, sender=Base, subclasses=True)
        assert table.find_route(Derived).registrations == (base,)
        own = register(table, sender=Derived)
        assert table.find_route(Derived).registrations == (base, own)
        table.discard(own)
        assert table.find_route(Derived).registrations == (base,)

    def test_a_transient_base_leaves_no_trace(self, table):
        """When a class whose subclasses somebody meant dies, no send looks for any more."""
        base = type("Transient", (), {})
        register(table, sender=base, subclasses=True)
        assert table.subclass_registrations
        del base
        collect()
        assert not table.buckets
        assert not table.subclass_registrations
