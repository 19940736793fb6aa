"""The table of a signal: routes, changes and locks."""

import gc
import threading

import pytest

from clarion._core.instrument import Instrument
from clarion._core.registration import Registration, sender_key
from clarion._core.route import Route
from tests.core.receivers import (
    Listener,
    Sender,
    answering,
    answering_async,
    answers,
    collect,
    echo,
)
from tests.core.tables import Base, Derived, register


class TestRoute:
    """The data of a route."""

    def test_it_is_in_the_order_of_a_send(self):
        """The registrations of a route are in the order of a send."""
        last, first, second = (
            Registration().fill(answering(n), priority=-n // 2) for n in (9, 0, 1)
        )
        assert Route([second, last, first]).registrations == (first, second, last)

    def test_it_holds_plain_receivers_themselves(self):
        """A route of plain receivers holds the receivers themselves."""
        receivers = answering(1), answering(2)
        assert Route(Registration().fill(each) for each in receivers).strong_receivers == receivers
        assert Route([]).strong_receivers == ()

    @pytest.mark.parametrize(
        "registration",
        [
            pytest.param(Registration().fill(answering_async(1)), id="async"),
            pytest.param(Registration().fill(echo, once=True), id="once"),
            pytest.param(
                Registration().fill(echo, requested=("signal",)), id="requests the signal"
            ),
        ],
    )
    def test_it_is_not_plain_with_options(self, registration):
        """One receiver that needs more than a call takes the route off the fast path."""
        found = Route([Registration().fill(echo), registration])
        assert found.strong_receivers is None
        assert found.live() is None

    def test_it_is_not_plain_if_it_is_watched(self):
        """An instrument takes the route off the fast path."""
        found = Route([Registration().fill(echo)], (Instrument(),))
        assert found.strong_receivers is None
        assert found.live() is None

    def test_weak_receivers_are_looked_up(self):
        """A route omits dead receivers, and calls the others as they are."""
        listener = Listener()
        found = Route([Registration().fill(echo), Registration().fill(listener.method)])
        assert found.strong_receivers is None
        assert found.live() == [echo, listener.method]
        del listener
        gc.collect()
        assert found.live() == [echo]

    def test_stages_are_built_once(self):
        """The stages of a route are built once."""
        found = Route([Registration().fill(answering_async(1)), Registration().fill(echo)])
        assert found.stages is found.stages
        assert [stage.mode for stage in found.stages] == ["sync", "async"]


class TestChange:
    """Adding, removing and replacing registrations."""

    def test_a_key_is_taken_per_sender(self, table):
        """A receiver is added once per sender."""
        first = register(table, echo)
        assert not table.add(Registration().fill(echo))
        assert table.add(Registration().fill(echo, sender_key("web")), "web")
        assert table.find_registration(first.key, None) is first
        assert len(table.registrations()) == 2

    def test_a_spent_registration_can_be_replaced(self, table):
        """A receiver whose only call is running can be connected again."""
        spent = register(table, echo, once=True)
        spent.claim()
        again = register(table, echo, once=True)
        assert table.registrations() == [again]
        assert not table.discard(spent)
        assert table.registrations() == [again]

    def test_discarding_keeps_a_newer_registration(self, table):
        """Discarding a registration does not discard a newer one of the same receiver."""
        old = register(table, echo)
        assert table.discard(old)
        new = register(table, echo)
        assert not table.discard(old)
        assert table.registrations() == [new]

    def test_a_registration_is_found_by_its_key(self, table):
        """A registration is found by its key, for its sender, while it is connected."""
        registration = register(table, echo, sender="web")
        assert table.find_registration(registration.key, None) is None
        assert table.find_registration(registration.key, sender_key("web")) is registration
        assert table.discard(registration)
        assert not table.discard(registration)
        assert table.find_registration(registration.key, sender_key("web")) is None

    def test_registrations_are_in_order_of_connection(self, table):
        """Registrations are in the order of connection, whatever their senders and priorities."""
        entered = [
            register(table, sender=sender, priority=priority)
            for sender, priority in [("web", 0), (None, 5), (Base, -1), ("web", 9), (None, 0)]
        ]
        assert table.registrations() == entered

    def test_replacing(self, table):
        """Replacing removes all registrations and adds the given ones in their order."""
        kept, gone = register(table, sender="web"), register(table)
        late = register(table)
        table.replace([late, kept])
        assert table.registrations() == [kept, late]
        assert gone not in table.find_route("web").registrations
        assert table.find_route("web").registrations == (kept, late)

    def test_replacing_skips_dead_objects(self, table):
        """Replacing skips registrations of dead receivers and dead senders."""
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

    def test_a_finaliser_during_a_connect(self, make):
        """A finaliser that disconnects during a connect does not remove the new receiver."""
        signal = make()

        class Interfering:
            """A uid whose comparison disconnects, as a finaliser may."""

            def __init__(self, meddle):
                self.meddle = meddle

            def __hash__(self):
                return 1

            def __eq__(self, other):
                if other is not self and self.meddle is not None:
                    meddle, self.meddle = self.meddle, None
                    meddle()
                return self is other

        first: object = Interfering(lambda: signal.disconnect(sender="web", dispatch_uid=first))
        second = Interfering(None)
        signal.connect(answering("first"), sender="web", dispatch_uid=first)
        signal.connect(answering("second"), sender="web", dispatch_uid=second)
        assert answers(signal.send("web")) == ["second"]
        assert signal.disconnect(sender="web", dispatch_uid=second)
        assert not signal._table.buckets


class TestWaiting:
    """A send does not wait for a thread that is changing the table."""

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
        """A locked table returns a new route, which the next send caches."""
        register(table)
        register(table, sender="web")
        register(table, sender=Base, subclasses=True)
        request.getfixturevalue("held")
        assert len(table.find_route(sender).registrations) == count
        assert not table._built
        assert len(table.buckets) == 2

    def test_a_cached_route_is_found_while_the_table_is_locked(self, table, request):
        """A locked table returns a cached route."""
        register(table, sender="web")
        found = table.find_route("web")
        request.getfixturevalue("held")
        assert table.find_route("web") is found
