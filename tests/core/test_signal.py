"""Signal connects and calls receivers as Django's does."""

import gc
import inspect
from typing import Any

import pytest

from clarion import Signal
from clarion.errors import ConnectWarning
from tests.core.receivers import (
    Listener,
    Sender,
    Slotted,
    answering,
    answering_async,
    answers,
    collect,
    deliver,
    echo,
    echo_value,
    is_empty,
)


class TestAsDjango:
    """The scenarios of Django's own dispatcher tests."""

    def test_send(self, signal, send):
        """A receiver of the sender is called, and its response is returned."""
        signal.connect(echo_value, sender=self)
        assert send(signal, self, value="test") == [(echo_value, "test")]
        assert signal.disconnect(echo_value, sender=self)
        assert is_empty(signal)

    def test_send_without_receivers(self, signal, send):
        """Without receivers the responses are empty."""
        assert send(signal, self, value="test") == []

    def test_send_to_receivers_of_any_sender(self, signal, send):
        """A receiver without a sender gets the sends of every sender."""
        signal.connect(echo_value)
        assert send(signal, self, value="test") == [(echo_value, "test")]
        assert send(signal, None, value="test") == [(echo_value, "test")]
        assert signal.disconnect(echo_value)
        assert is_empty(signal)

    def test_send_to_receivers_of_another_sender(self, signal, send):
        """A receiver does not get the sends of other senders."""
        signal.connect(echo_value, sender=object)
        assert send(signal, self, value="test") == []
        assert send(signal, None, value="test") == []
        assert signal.disconnect(echo_value, sender=object)
        assert is_empty(signal)

    def test_sender_without_weak_references(self, signal, send):
        """Any hashable object can be a sender."""
        sender = object()
        signal.connect(echo_value, sender=sender)
        assert send(signal, sender, value="test") == [(echo_value, "test")]
        assert signal.disconnect(echo_value, sender=sender)
        assert is_empty(signal)

    def test_receiver_that_dies(self, signal, send):
        """A weakly held bound method is disconnected when its object dies."""
        listener = Listener()
        signal.connect(listener.method, sender=self)
        assert answers(send(signal, self, value=1)) == [1]
        del listener
        collect()
        assert send(signal, self, value="test") == []
        assert is_empty(signal)

    def test_sender_that_dies(self, signal, send):
        """The receivers of a dead sender are removed, and a later sender does not get them."""
        sender = Sender()
        signal.connect(answering("first"), sender)
        assert answers(send(signal, sender)) == ["first"]
        del sender
        collect()
        assert is_empty(signal)
        sender = Sender()
        signal.connect(answering("second"), sender)
        assert answers(send(signal, sender)) == ["second"]

    def test_sending_does_not_keep_the_sender(self, make, send):
        """A send does not keep its sender alive, even with use_caching."""
        signal = make(use_caching=True)
        signal.connect(echo_value)
        died = []

        class ReceiverRef:
            def __del__(self):
                died.append(True)

        sender = ReceiverRef()
        send(signal, sender, value="garbage")
        del sender
        collect()
        assert died == [True]

    def test_connecting_again_changes_nothing(self, signal, send):
        """A receiver that is connected twice is called once."""
        listener = Listener()
        for _ in range(5):
            signal.connect(listener, priority=5)
            signal.connect(listener.method)
        assert answers(send(signal, value=1)) == [1, 1]
        assert len(signal._table.registrations()) == 2
        with pytest.warns(ConnectWarning, match="with another priority, which stays"):
            signal.connect(listener, priority=-5)
        assert [receiver for receiver, _ in send(signal)] == [listener, listener.method]

    def test_uid(self, signal):
        """Of two receivers with one uid the first stays, and the uid disconnects it."""
        signal.connect(answering(1), dispatch_uid="uid")
        signal.connect(answering(2), dispatch_uid="uid")
        assert answers(signal.send(None)) == [1]
        assert signal.disconnect(dispatch_uid="uid")
        assert is_empty(signal)

    def test_uid_is_per_sender(self, signal):
        """The same uid may be used for every sender."""
        signal.connect(answering(1), dispatch_uid="uid")
        signal.connect(answering(2), sender="web", dispatch_uid="uid")
        assert answers(signal.send("web")) == [1, 2]
        assert signal.disconnect(sender="web", dispatch_uid="uid")
        assert answers(signal.send("web")) == [1]

    def test_uid_replaces_the_receiver(self, signal):
        """A receiver with a uid is disconnected by the uid, not by the receiver alone."""
        signal.connect(echo, dispatch_uid="uid")
        assert not signal.disconnect(echo)
        assert not signal.disconnect(echo, dispatch_uid="other")
        assert signal.disconnect(echo, dispatch_uid="uid")

    def test_uid_may_be_anything_hashable(self, signal):
        """A uid may be any hashable object; an empty one counts as none."""
        for uid in (("a", 1), Sender, 7):
            signal.connect(answering(uid), dispatch_uid=uid)
            assert signal.disconnect(dispatch_uid=uid)
        signal.connect(echo, dispatch_uid="")
        assert signal.disconnect(echo)
        assert is_empty(signal)

    def test_disconnecting(self, signal):
        """Disconnected and dead receivers are not called."""
        one, two, three = Listener(), Listener(), Listener()
        for listener in (one, two, three):
            signal.connect(listener, weak=True)
        assert signal.disconnect(one)
        del listener, two
        collect()
        assert signal.disconnect(three)
        assert is_empty(signal)

    def test_the_result_of_disconnect(self, signal):
        """disconnect returns whether the receiver was connected for that sender."""
        listener = Listener()
        signal.connect(listener)
        signal.connect(listener, sender="web")
        assert signal.disconnect(listener)
        assert not signal.disconnect(listener)
        assert not signal.disconnect(listener, sender="phone")
        assert not signal.disconnect(Listener(), sender="web")
        assert signal.disconnect(listener, sender="web")
        assert is_empty(signal)

    def test_disconnecting_a_method(self, signal):
        """A bound method is found by its object and its function."""
        listener = Listener()
        signal.connect(listener.method)
        assert not signal.disconnect(Listener().method)
        assert not signal.disconnect(listener.async_method)
        assert signal.disconnect(listener.method)
        assert is_empty(signal)

    def test_disconnecting_a_builtin_method(self, signal):
        """A builtin method is found, although each access creates another object."""
        heard: dict[str, object] = {}
        signal.connect(heard.update)
        signal.send(None, value=1)
        assert heard["value"] == 1
        assert signal.disconnect(heard.update)
        assert is_empty(signal)

    def test_disconnecting_a_dead_receiver(self, signal):
        """Disconnecting a dead receiver returns False."""
        listener = Listener()
        signal.connect(listener.method, dispatch_uid="uid")
        del listener
        collect()
        assert not signal.disconnect(dispatch_uid="uid")

    def test_has_listeners(self, signal):
        """has_listeners returns whether a send of this sender would call a receiver."""
        assert not signal.has_listeners()
        assert not signal.has_listeners(sender=object())
        listener = Listener()
        signal.connect(listener)
        assert signal.has_listeners()
        assert signal.has_listeners(sender=object())
        signal.disconnect(listener)
        assert not signal.has_listeners()
        signal.connect(listener, sender="web")
        assert signal.has_listeners("web")
        assert not signal.has_listeners("phone")
        assert not signal.has_listeners()

    @pytest.mark.parametrize(
        ("receiver", "options"),
        [
            pytest.param(answering_async(1), {}, id="async"),
            pytest.param(echo, {"once": True}, id="once"),
            pytest.param(echo, {"weak": True}, id="weak"),
        ],
    )
    def test_has_listeners_of_every_kind(self, signal, receiver, options):
        """Async receivers count, and once=True receivers count until they were called."""
        signal.connect(receiver, **options)
        assert signal.has_listeners()
        signal.send(None)
        assert signal.has_listeners() is ("once" not in options)

    def test_has_listeners_ignores_dead_receivers(self, signal):
        """A dead receiver does not count as a listener."""
        listener = Listener()
        signal.connect(listener.method)
        del listener
        gc.collect()
        assert not signal.has_listeners()

    def test_arguments_by_position(self, signal):
        """connect and disconnect take Django's arguments in Django's order."""
        signal.connect(echo, Sender, False, "uid")
        (registration,) = signal._table.registrations()
        assert (registration.sender, registration.weak, registration.uid) == (Sender, False, "uid")
        assert signal.disconnect(None, Sender, "uid")
        parameters = list(inspect.signature(Signal.connect).parameters)
        assert parameters[:5] == ["self", "receiver", "sender", "weak", "dispatch_uid"]

    def test_sender_by_position_or_by_name(self, signal, send):
        """Every send takes the sender by position or by name."""
        signal.connect(lambda sender, **kwargs: sender)
        assert answers(send(signal, "web")) == ["web"]
        assert answers(signal.send(sender="web")) == ["web"]
        assert answers(signal.send_robust(sender="web")) == ["web"]
        assert answers(deliver("asend", signal, "web")) == ["web"]

    def test_caching_is_accepted(self, make, send):
        """use_caching is accepted and changes no result."""
        for signal in (make(True), make(use_caching=True), make(use_caching=False)):
            signal.connect(echo_value)
            assert answers(send(signal, value=1)) == [1]

    def test_subclasses_may_override(self, make, send):
        """A subclass may override connect and send, and call the base class."""

        class Stamped(make):  # type: ignore[misc, valid-type]
            def __init__(self, stamp):
                super().__init__()
                self.stamp = stamp

            def connect(self, receiver, sender=None, weak=True, dispatch_uid=None):
                super().connect(receiver, sender or "web", weak, dispatch_uid)

            def send(self, sender, **named):
                return super().send(sender, stamp=self.stamp, **named)

        signal = Stamped("today")

        def receiver(stamp=None, **kwargs):
            return stamp

        signal.connect(receiver)
        assert answers(signal.send("web")) == ["today"]
        assert answers(signal.send_robust("web")) == [None]
        assert signal.send("phone") == []
        assert signal.disconnect(receiver, sender="web")


class TestLifetime:
    """How Clarion holds receivers, where it differs from Django."""

    def test_functions_stay(self, signal, send):
        """A lambda, a closure or a partial stays connected without another reference."""
        signal.connect(lambda **kwargs: "lambda")
        signal.connect(answering("closure"))
        signal.connect(Listener(), sender=None)
        collect()
        assert answers(send(signal, value="object")) == ["lambda", "closure", "object"]

    def test_weak_overrides_the_default(self, signal, send):
        """weak=True releases a function, and weak=False keeps a method with its object."""
        signal.connect(answering("gone"), weak=True)
        signal.connect(Listener().method, weak=False)
        collect()
        assert answers(send(signal, value="kept")) == ["kept"]

    def test_methods_of_objects_without_weak_references_stay(self, signal, send):
        """A method of an object without weak references is held strongly."""
        signal.connect(Slotted().method)
        collect()
        assert answers(send(signal)) == ["method"]

    def test_class_methods_die_with_their_class(self, signal):
        """A class that dies takes its class methods with it."""
        kind: Any = type("Transient", (Listener,), {})
        signal.connect(kind.class_method)
        assert signal.has_listeners()
        del kind
        collect()
        assert is_empty(signal)
