"""Signals that the signature of a function declares."""

import asyncio
import functools
import inspect
from typing import Any

import pytest

import clarion
from clarion import DeclaredSignal
from clarion._core.declare import signal
from clarion.errors import ArgumentError, DeclarationError, NotCallableError, SignatureError
from tests.core.receivers import Sender, answers, deliver


@signal
def paid(sender: object, *, order_id: int, amount: float = 1.5) -> None:
    """An order was paid in full."""


@pytest.fixture
def order_paid():
    """Declare a signal without receivers."""

    @signal
    def order_paid(sender: object, *, order_id: int, amount: float = 1.5) -> None:
        """An order was paid in full."""

    # The types are tested elsewhere; these tests send and connect wrongly on purpose.
    anything: Any = order_paid
    return anything


def test_a_declared_signal_is_a_signal():
    """A declared signal has the name, docstring and signature of its function."""
    assert isinstance(paid, DeclaredSignal)
    assert isinstance(paid, clarion.Signal)
    assert clarion.signal is signal
    assert paid.name == "tests.core.test_declare.paid"
    assert paid.__doc__ == "An order was paid in full."
    assert list(inspect.signature(paid.__wrapped__).parameters) == ["sender", "order_id", "amount"]


def test_a_declared_signal_can_be_given_a_name():
    """`@signal(name=...)` gives the signal another name."""

    @signal(name="orders.paid")
    def order_paid(sender: object) -> None: ...

    assert order_paid.name == "orders.paid"
    assert repr(order_paid) == "<DeclaredSignal orders.paid>"


def test_the_function_is_never_called(send):
    """Neither a declaration nor a send calls the function."""

    @signal
    def forbidden(sender: object) -> None:
        raise AssertionError("it was run")

    assert send(forbidden) == []


def test_receivers_get_the_declared_keywords(order_paid, send):
    """Receivers without **kwargs get the sender and every keyword, with defaults."""

    def receiver(sender, order_id, amount):
        return sender, order_id, amount

    order_paid.connect(receiver)
    assert answers(send(order_paid, Sender, order_id=1)) == [(Sender, 1, 1.5)]
    assert answers(send(order_paid, Sender, order_id=1, amount=2)) == [(Sender, 1, 2)]


def test_receivers_get_the_signal_on_request(order_paid, send):
    """Only receivers with a parameter `signal` get the signal."""

    def requesting(sender, order_id, amount, signal):
        return signal

    def wide(sender, **kwargs):
        return sorted(kwargs)

    order_paid.connect(requesting)
    order_paid.connect(wide)
    assert answers(send(order_paid, order_id=1)) == [order_paid, ["amount", "order_id"]]


def test_all_kinds_of_receivers_fit(order_paid, send):
    """Methods, partials, callable objects and coroutine functions can be receivers."""

    class Listener:
        def method(self, sender, order_id, amount):
            return "method"

        def __call__(self, sender, order_id, amount, signal):
            return signal.name

    def more(sender, order_id, amount, *, extra):
        return extra

    async def awaited(sender, order_id, amount, signal=None):
        return signal is order_paid

    listener = Listener()
    order_paid.connect(listener.method)
    order_paid.connect(listener)
    order_paid.connect(functools.partial(more, extra="partial"))
    order_paid.connect(awaited)
    order_paid.connect(dict)  # has no signature, so it is not checked
    method, called, partial, mapping, asked = answers(send(order_paid, order_id=1))
    assert (method, called, partial, asked) == ("method", order_paid.name, "partial", True)
    assert mapping == {"sender": None, "order_id": 1, "amount": 1.5}


@pytest.mark.parametrize(
    ("named", "culprits"),
    [
        pytest.param({}, ["order_id"], id="missing"),
        pytest.param({"order_id": 1, "colour": 2}, ["colour"], id="unknown"),
        pytest.param({"ordr_id": 1}, ["order_id", "ordr_id"], id="mistyped"),
        pytest.param({"order_id": 1, "signal": 2}, ["signal"], id="signal"),
    ],
)
def test_a_wrong_keyword_is_refused_at_the_send(order_paid, send, named, culprits):
    """A wrong keyword raises with its name and the declared ones, before any receiver is called."""
    calls: list[object] = []
    order_paid.connect(lambda sender, order_id, amount: calls.append(order_id))
    with pytest.raises(ArgumentError, match="It takes order_id, amount") as raised:
        send(order_paid, **named)
    assert raised.value.names == tuple(culprits)
    assert isinstance(raised.value, TypeError)
    assert all(culprit in str(raised.value) for culprit in culprits)
    assert order_paid.name in str(raised.value)
    assert calls == []


def test_a_keyword_that_is_no_name(order_paid, send):
    """The message does not contain a keyword that can be no parameter, such as a URL."""
    with pytest.raises(ArgumentError, match="sent with a str, which it does not declare"):
        send(order_paid, order_id=1, **{"sqlite:///secret.db": 1})


def test_a_signal_without_keywords_says_so():
    """A signal without declared keywords refuses any keyword with the cure."""

    @signal
    def started(sender: object) -> None: ...

    anything: Any = started
    with pytest.raises(ArgumentError, match="It takes no keywords"):
        anything.send(None, at=1)


def without_amount(sender, order_id):
    """Take fewer keywords than the signal sends."""


def with_more(sender, order_id, amount, extra):
    """Take more keywords than the signal sends."""


def other_sender(order, order_id, amount):
    """Give the parameter for the sender another name."""


def by_position(sender, /, order_id, amount):
    """Take the sender by position."""


@pytest.mark.parametrize(
    ("receiver", "culprit"),
    [
        pytest.param(without_amount, "amount", id="too few"),
        pytest.param(with_more, "extra", id="too many"),
        pytest.param(other_sender, "order", id="other name"),
        pytest.param(by_position, "sender", id="positional"),
        pytest.param(functools.partial(with_more, order_id=1), "extra", id="partial"),
    ],
)
def test_a_receiver_that_does_not_fit_is_refused(order_paid, receiver, culprit):
    """A receiver that does not fit is refused at connect with the parameters that it needs."""
    with pytest.raises(SignatureError, match="parameters sender, order_id, amount") as raised:
        order_paid.connect(receiver)
    assert culprit in str(raised.value)
    assert order_paid.name in str(raised.value)
    assert raised.value.receiver is receiver
    assert isinstance(raised.value, ValueError)
    assert not order_paid.has_listeners()


def test_an_uncallable_receiver_is_refused(order_paid):
    """A declared signal refuses a receiver that is not callable."""
    with pytest.raises(NotCallableError, match="must be callable"):
        order_paid.connect("receiver")
    assert not order_paid.has_listeners()


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        pytest.param(lambda: None, "first parameter", id="no parameter"),
        pytest.param(lambda order: None, "first parameter", id="other first"),
        pytest.param(lambda sender=None: None, "without a default", id="optional sender"),
        pytest.param(lambda order, sender: None, "first parameter", id="sender second"),
        pytest.param(lambda sender, /: None, "by name", id="positional sender"),
        pytest.param(lambda *sender: None, "by name", id="starred sender"),
        pytest.param(lambda sender, *args: None, "by name", id="args"),
        pytest.param(lambda sender, **kwargs: None, "by name", id="kwargs"),
        pytest.param(lambda sender, signal: None, "'signal'", id="signal"),
        pytest.param(5, "given an int, which", id="no function"),
        pytest.param(dict, "first parameter", id="no signature"),
    ],
)
def test_a_wrong_declaration_is_refused(function, fault):
    """A function that cannot declare a signal is refused with its name and the reason."""
    with pytest.raises(DeclarationError, match=fault) as raised:
        signal(function)
    assert isinstance(raised.value, TypeError)
    assert "cannot declare a signal" in str(raised.value)


def test_a_send_does_not_change_the_defaults(order_paid, send):
    """A send does not change the defaults of later sends."""
    order_paid.connect(lambda sender, order_id, amount: amount)
    assert answers(send(order_paid, order_id=1, amount=9)) == [9]
    assert answers(send(order_paid, order_id=1)) == [1.5]


def test_options_are_those_of_any_signal(order_paid):
    """Senders, priorities, once and uids work, and the receiver may be decorated."""

    @clarion.receiver(order_paid, sender="web", priority=5, once=True, dispatch_uid="one")
    def first(sender, order_id, amount):
        return "first"

    @clarion.receiver(order_paid)
    def second(sender, order_id, amount):
        return "second"

    assert answers(order_paid.send("web", order_id=1)) == ["first", "second"]
    assert answers(order_paid.send("web", order_id=1)) == ["second"]


def test_async_sends_check_when_awaited(order_paid):
    """A wrong keyword raises at the caller who awaits asend."""
    with pytest.raises(ArgumentError):
        asyncio.run(order_paid.asend(None))
    with pytest.raises(ArgumentError):
        deliver("asend_robust", order_paid)


def test_a_declared_signal_in_a_class_has_the_name_of_both():
    """A signal declared in a class body has the name of the class and the function."""

    class Order:
        @signal
        def paid(sender: object) -> None: ...  # noqa: N805

    assert Order.paid.name.endswith("Order.paid")
