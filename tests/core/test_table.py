"""The table of a signal: routes, changes and locks."""

import gc
import threading

import pytest

from clarion._core.instrument import Instrument
from clarion._core.registration import Registration, sender_key
from clarion._core.route import Route
from clarion._core.table import Table
from tests.core.receivers import (
    Listener,
    Sender,
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


class Derived(Base):
    """A subclass."""


class TestRoute:
    """What a route knows of its registrations."""

    def test_it_is_in_the_order_of_a_send(self):
        """Whatever the order of what it is made of, a route is ordered."""
        last, first, second = (
            Registration().fill(answering(n), priority=-n // 2) for n in (9, 0, 1)
        )
        assert Route([second, last, first]).registrations == (first, second, last)

    def test_it_holds_plain_receivers_themselves(self):
        """Where a send has nothing to do but to call, it finds what to call."""
        receivers = answering(1), answering(2)
        assert Route(Registration().fill(each) for each in receivers).strong_receivers == receivers
        assert Route([]).strong_receivers == ()

    @pytest.mark.parametrize(
        "registration",
        [
            pytest.param(Registration().fill(answering_async(1)), id="async"),
            pytest.param(Registration().fill(echo, once=True), id="once"),
            pytest.param(Registration().fill(echo, requested=("signal",)), id="wants the signal"),
        ],
    )
    def test_it_is_not_plain_if_there_is_more_to_do(self, registration):
        """One receiver that needs more than a call is enough."""
        found = Route([Registration().fill(echo), registration])
        assert found.strong_receivers is None
        assert found.live() is None

    def test_it_is_not_plain_if_it_is_watched(self):
        """A route with an instrument takes the longer road."""
        found = Route([Registration().fill(echo)], (Instrument(),))
        assert found.strong_receivers is None
        assert found.live() is None

    def test_weak_receivers_are_looked_up(self):
        """Those that have died are left out, the others are called as they are."""
        listener = Listener()
        found = Route([Registration().fill(echo), Registration().fill(listener.method)])
        assert found.strong_receivers is None
        assert found.live() == [echo, listener.method]
        del listener
        gc.collect()
        assert found.live() == [echo]

    def test_stages_are_worked_out_once(self):
        """The stages of a route are made when they are first asked for."""
        found = Route([Registration().fill(answering_async(1)), Registration().fill(echo)])
        assert found.stages is found.stages
        assert [stage.mode for stage in found.stages] == ["sync", "async"]


class TestChange:
    """Entering, removing and replacing registrations."""

    def test_a_key_is_taken_per_sender(self, table):
        """The same receiver is entered once for a sender, and again for another one."""
        first = register(table, echo)
        assert not table.add(Registration().fill(echo))
        assert table.add(Registration().fill(echo, sender_key("web")), "web")
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
