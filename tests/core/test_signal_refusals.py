"""Errors of connect and disconnect, and the log of robust sends."""

import logging
from typing import Any

import pytest

from clarion import Signal, on_commit
from clarion.errors import (
    ArgumentError,
    ClarionError,
    NotCallableError,
    SenderError,
    SignatureError,
    WeakReferenceError,
)
from tests.core.receivers import (
    Slotted,
    answering,
    answers,
    echo,
)


def no_keywords(sender):
    """Take fewer keywords than a send gives."""


class Unhashable:
    """A sender, or a uid, without a hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other):
        return self is other

    def __repr__(self):
        return "<unhashable>"


REFUSED = [
    pytest.param(
        object(),
        {},
        NotCallableError,
        TypeError,
        ["An object is not", "connect a function"],
        id="object",
    ),
    pytest.param(None, {}, NotCallableError, TypeError, ["None", "connect a function"], id="None"),
    pytest.param(
        no_keywords, {}, SignatureError, ValueError, ["no_keywords", "**kwargs"], id="signature"
    ),
    pytest.param(
        Slotted().method,
        {"weak": True},
        WeakReferenceError,
        TypeError,
        ["Slotted.method", "weak=False"],
        id="weak",
    ),
    pytest.param(
        echo,
        {"sender": Unhashable()},
        SenderError,
        TypeError,
        ["(an object of tests.core.test_signal_refusals.Unhashable)", "Connect to its class"],
        id="unhashable sender",
    ),
    pytest.param(
        echo,
        {"sender": "web", "subclasses": True},
        SenderError,
        TypeError,
        ["(a str)", "leave subclasses out"],
        id="subclasses of text",
    ),
    pytest.param(
        echo,
        {"subclasses": True},
        SenderError,
        TypeError,
        ["None", "Give a class"],
        id="subclasses of nothing",
    ),
    pytest.param(
        echo,
        {"priorty": 1},
        ArgumentError,
        TypeError,
        ["'priorty'", "Did you mean 'priority'?"],
        id="mistyped argument",
    ),
    pytest.param(
        echo,
        {"colour": 1, "zeal": 2},
        ArgumentError,
        TypeError,
        ["'colour'", "It takes receiver, sender, weak, dispatch_uid, priority"],
        id="unknown argument",
    ),
    pytest.param(
        echo,
        {"priority": "high"},
        ArgumentError,
        TypeError,
        ["(a str)", "integers"],
        id="priority of text",
    ),
    pytest.param(
        echo,
        {"priority": 1.5},
        ArgumentError,
        TypeError,
        ["(a float)", "integers"],
        id="priority 1.5",
    ),
    pytest.param(
        echo,
        {"dispatch_uid": Unhashable()},
        ArgumentError,
        TypeError,
        ["Unhashable) is unhashable", "Give a string"],
        id="unhashable uid",
    ),
]


class TestRefusals:
    """Wrong arguments raise an error with the cure and change nothing."""

    @pytest.mark.parametrize(("receiver", "options", "error", "builtin", "words"), REFUSED)
    def test_connect_refuses(self, signal, receiver, options, error, builtin, words):
        """The error has the right class, names the argument and the cure, and changes nothing."""
        signal.connect(answering("before"))
        before = signal._table.registrations()
        route = signal._table.find_route(None)
        with pytest.raises(error) as raised:
            signal.connect(receiver, **options)
        assert isinstance(raised.value, ClarionError)
        assert isinstance(raised.value, builtin)
        assert all(word in str(raised.value) for word in words)
        assert signal._table.registrations() == before
        assert signal._table.find_route(None) is route
        assert not signal._table.buckets

    @pytest.mark.parametrize(("receiver", "options", "error", "builtin", "words"), REFUSED)
    def test_refusals_are_a_sentence_and_a_cure(
        self, signal, receiver, options, error, builtin, words
    ):
        """Every message is on one line and ends as a sentence does."""
        with pytest.raises(error) as raised:
            signal.connect(receiver, **options)
        message = str(raised.value)
        assert "\n" not in message
        assert message.endswith((".", "?"))
        assert not hasattr(raised.value, "__notes__")

    def test_the_names_are_attributes_of_the_error(self, signal):
        """The names in a message are attributes of the error too."""
        with pytest.raises(SignatureError) as signature:
            signal.connect(no_keywords)
        assert signature.value.receiver is no_keywords
        sender = Unhashable()
        with pytest.raises(SenderError) as unhashable:
            signal.connect(echo, sender=sender)
        assert unhashable.value.sender is sender
        with pytest.raises(ArgumentError) as unknown:
            signal.connect(echo, zeal=2, colour=1)
        assert unknown.value.names == ("colour", "zeal")

    @pytest.mark.parametrize("options", [{}, {"sender": "web"}, {"dispatch_uid": ""}], ids=str)
    def test_disconnecting_nothing_is_refused(self, signal, options):
        """Without a receiver and a uid disconnect has nothing to search for."""
        signal.connect(echo)
        with pytest.raises(ArgumentError, match="neither a receiver nor a dispatch_uid"):
            signal.disconnect(**options)
        assert signal.has_listeners()

    def test_a_keyword_signal_is_refused(self, make, send):
        """The keyword `signal` is refused before any receiver is called."""
        signal = make(name="shop.paid")
        calls: list[object] = []
        signal.connect(lambda **kwargs: calls.append(kwargs))
        with pytest.raises(ArgumentError, match=r"shop\.paid.*Choose another name") as raised:
            send(signal, signal=1)
        assert raised.value.names == ("signal",)
        assert calls == []

    def test_a_priority_may_be_any_integer(self, signal):
        """Booleans and huge integers are accepted as a priority."""
        signal.connect(answering("low"), priority=-(10**30))
        signal.connect(answering("false"), priority=False)
        signal.connect(answering("true"), priority=True)
        assert answers(signal.send(None)) == ["true", "false", "low"]

    def test_any_keyword_can_be_sent(self, signal, send):
        """The names of the methods' own parameters can be keywords of a send."""
        signal.connect(echo)
        named = {"self": 1, "named": 2, "receiver": 3, "route": 4, "arguments": 5}
        (heard,) = answers(send(signal, **named))
        assert heard == {"signal": signal, "sender": None, **named}

    def test_an_unhashable_sender_can_send(self, signal, send):
        """An unhashable sender can send, although it is refused at connect."""
        signal.connect(answering("any"))
        signal.connect(answering("web"), sender="web")
        assert answers(send(signal, Unhashable())) == ["any"]
        assert answers(send(signal, [1])) == ["any"]


class TestRobustLog:
    """The log records of robust sends."""

    def test_failures_are_logged(self, signal, robust_send, caplog):
        """A failure is logged as an error of the logger "clarion", with a traceback."""

        def fails(**kwargs):
            raise ValueError("this")

        signal.connect(fails)
        with caplog.at_level(logging.ERROR, "clarion"):
            (response,) = answers(robust_send(signal))
        assert isinstance(response, ValueError)
        assert response.__traceback__ is not None
        (record,) = caplog.records
        assert record.name == "clarion"
        assert record.getMessage().endswith(
            f"<locals>.fails in a robust send of {signal.name} (this)"
        )
        assert record.exc_info is not None
        assert record.exc_info[1] is response


@pytest.mark.parametrize("is_later", [False, True])
def test_another_delivery_of_a_receiver_is_refused(is_later):
    """A receiver that is connected is refused with another delivery, which would have no effect."""

    def mail(**kwargs): ...

    signal = Signal()
    deliveries: list[Any] = [on_commit, None]
    if is_later:
        deliveries.reverse()
    signal.connect(mail, delivery=deliveries[0])
    with pytest.raises(ArgumentError, match=r"mail.* with another delivery") as raised:
        signal.connect(mail, delivery=deliveries[1])
    assert raised.value.names == ("delivery",)
    signal.connect(mail, sender="web", delivery=deliveries[1])
    signal.connect(mail, delivery=deliveries[0])
    signal.disconnect(mail)
    signal.connect(mail, delivery=deliveries[1])
