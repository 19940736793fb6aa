"""Who hears this sender."""

import gc
import threading
import weakref
from typing import Any

import pytest

from clarion._core import registration as registration_module
from clarion._core import table as table_module
from clarion._core.instrument import Instrument
from clarion._core.registration import Registration, sender_key
from clarion._core.route import Route
from clarion._core.table import Table
from tests.core.receivers import (
    Listener,
    Sender,
    Slotted,
    answering,
    answering_async,
    answers,
    collect,
    echo,
)


@pytest.fixture
def table():
    """Return a table without registrations."""
    return Table()


def register(table, receiver=None, sender=None, **options):
    """Enter a receiver for a sender, as Signal.connect does."""
    registration = Registration(
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


class TestRoute:
    """What a route knows of its registrations."""

    def test_it_is_in_the_order_of_a_send(self):
        """Whatever the order of what it is made of, a route is ordered."""
        last, first, second = (Registration(answering(n), priority=-n // 2) for n in (9, 0, 1))
        assert Route([second, last, first]).registrations == (first, second, last)

    def test_it_holds_plain_receivers_themselves(self):
        """Where a send has nothing to do but to call, it finds what to call."""
        receivers = answering(1), answering(2)
        assert Route(map(Registration, receivers)).strong_receivers == receivers
        assert Route([]).strong_receivers == ()

    @pytest.mark.parametrize(
        "registration",
        [
            pytest.param(Registration(answering_async(1)), id="async"),
            pytest.param(Registration(echo, once=True), id="once"),
            pytest.param(Registration(echo, requested=("signal",)), id="wants the signal"),
        ],
    )
    def test_it_is_not_plain_if_there_is_more_to_do(self, registration):
        """One receiver that needs more than a call is enough."""
        found = Route([Registration(echo), registration])
        assert found.strong_receivers is None
        assert found.live() is None

    def test_it_is_not_plain_if_it_is_watched(self):
        """A route with an instrument takes the longer road."""
        found = Route([Registration(echo)], (Instrument(),))
        assert found.strong_receivers is None
        assert found.live() is None

    def test_weak_receivers_are_looked_up(self):
        """Those that have died are left out, the others are called as they are."""
        listener = Listener()
        found = Route([Registration(echo), Registration(listener.method)])
        assert found.strong_receivers is None
        assert found.live() == [echo, listener.method]
        del listener
        gc.collect()
        assert found.live() == [echo]

    def test_stages_are_worked_out_once(self):
        """The stages of a route are made when they are first asked for."""
        found = Route([Registration(answering_async(1)), Registration(echo)])
        assert found.stages is found.stages
        assert [stage.mode for stage in found.stages] == ["sync", "async"]


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


class TestLife:
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
        remember = Table._remember
        late: list[Any] = []

        def interrupted(table, sender, key):
            if not late:
                late.append(None)
                late.append(register(table, answering(2)))
            return remember(table, sender, key)

        monkeypatch.setattr(Table, "_remember", interrupted)
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


class TestChange:
    """Entering, removing and replacing registrations."""

    def test_a_key_is_taken_per_sender(self, table):
        """The same receiver is entered once for a sender, and again for another one."""
        first = register(table, echo)
        assert not table.add(Registration(echo))
        assert table.add(Registration(echo, sender_key("web")), "web")
        assert table.find_registration(first.key, None) is first
        assert len(table.registrations()) == 2

    def test_a_spent_registration_makes_room(self, table):
        """A receiver that has had its only call, but has not left yet, can be connected anew."""
        spent = register(table, echo, once=True)
        spent.claim()
        again = register(table, echo, once=True)
        assert table.registrations() == [again]
        assert not table.discard(spent)
        assert table.registrations() == [again]

    def test_discarding_is_of_this_very_registration(self, table):
        """One that was connected anew is another one."""
        old = register(table, echo)
        assert table.discard(old)
        new = register(table, echo)
        assert not table.discard(old)
        assert table.registrations() == [new]

    def test_a_registration_is_got_by_its_key(self, table):
        """For its own sender, and for as long as it is there."""
        registration = register(table, echo, sender="web")
        assert table.find_registration(registration.key, None) is None
        assert table.find_registration(registration.key, sender_key("web")) is registration
        assert table.discard(registration)
        assert not table.discard(registration)
        assert table.find_registration(registration.key, sender_key("web")) is None

    def test_registrations_are_in_order_of_connection(self, table):
        """Whatever their senders and priorities."""
        entered = [
            register(table, sender=sender, priority=priority)
            for sender, priority in [("web", 0), (None, 5), (Base, -1), ("web", 9), (None, 0)]
        ]
        assert table.registrations() == entered

    def test_replacing(self, table):
        """All that was there goes, what is given comes, in its own order."""
        kept, gone = register(table, sender="web"), register(table)
        late = register(table)
        table.replace([late, kept])
        assert table.registrations() == [kept, late]
        assert gone not in table.find_route("web").registrations
        assert table.find_route("web").registrations == (kept, late)

    def test_replacing_leaves_out_the_dead(self, table):
        """Neither a dead receiver nor a dead sender is entered again."""
        listener, sender = Listener(), Sender()
        registrations = [
            register(table, listener.method),
            register(table, sender=sender),
            register(table),
        ]
        del listener, sender
        collect()
        table.replace(registrations)
        assert table.registrations() == registrations[2:]
        assert not table.buckets

    def test_a_finaliser_amid_a_connect_loses_nothing(self, make):
        """Who disconnects the last receiver while another connects does not take it along."""
        signal = make()

        class Meddling:
            """A uid whose comparison stands for a finaliser that runs at the wrong time."""

            def __init__(self, meddle):
                self.meddle = meddle

            def __hash__(self):
                return 1

            def __eq__(self, other):
                if other is not self and self.meddle is not None:
                    meddle, self.meddle = self.meddle, None
                    meddle()
                return self is other

        first: object = Meddling(lambda: signal.disconnect(sender="web", dispatch_uid=first))
        second = Meddling(None)
        signal.connect(answering("first"), sender="web", dispatch_uid=first)
        signal.connect(answering("second"), sender="web", dispatch_uid=second)
        assert answers(signal.send("web")) == ["second"]
        assert signal.disconnect(sender="web", dispatch_uid=second)
        assert not signal._table.buckets


class TestWaiting:
    """A send never waits for somebody who is changing the table."""

    @pytest.fixture
    def held(self, table):
        """Hold the lock of the table in another thread."""
        held, release = threading.Event(), threading.Event()

        def hold():
            with table.lock:
                held.set()
                release.wait(60)

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(60)
        yield
        release.set()
        holder.join(60)

    @pytest.mark.parametrize(
        ("sender", "count"),
        [
            pytest.param(None, 1, id="nobody"),
            pytest.param("web", 2, id="connected"),
            pytest.param("phone", 1, id="stranger"),
            pytest.param(Base, 2, id="base class"),
            pytest.param(Derived, 2, id="subclass"),
        ],
    )
    def test_a_route_is_found_while_the_table_is_locked(self, table, request, sender, count):
        """It is worked out, and left to the next send to keep."""
        register(table)
        register(table, sender="web")
        register(table, sender=Base, subclasses=True)
        request.getfixturevalue("held")
        assert len(table.find_route(sender).registrations) == count
        assert not table._built
        assert len(table.buckets) == 2

    def test_a_route_that_is_kept_is_found_anyway(self, table, request):
        """A send that changes nothing needs nothing."""
        register(table, sender="web")
        found = table.find_route("web")
        request.getfixturevalue("held")
        assert table.find_route("web") is found
