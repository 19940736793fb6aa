"""One place that calls one registration."""

import asyncio

import pytest

from clarion import Signal
from clarion._core.call import acall, arguments_of, call, claim, must_await
from clarion._core.tabled import set_policy, table_of
from clarion.policy import Policy
from tests.core.deliveries import Later


class Placing(Policy):
    """Provides a place."""

    provides = ("place",)

    def provide(self, signal, name, arguments):
        return f"{name} of {arguments['sender']}"


def echo(**arguments):
    return arguments


async def aecho(**arguments):
    return arguments


def connected(signal, receiver, **options):
    signal.connect(receiver, **options)
    return table_of(signal).registrations()[-1]


@pytest.mark.parametrize("once", [True, False])
def test_only_the_first_call_is_claimed(signal, once):
    """If the receiver is to be called once; it is disconnected then."""
    registration = connected(signal, echo, once=once)
    assert claim(signal, registration)
    assert signal.has_listeners() is not once
    assert claim(signal, registration) is not once


def test_requested_arguments_are_added():
    """To a copy of those of the send."""
    made = Signal()
    set_policy(made, Placing())
    registration = connected(made, lambda place, **kwargs: place)
    sent = {"sender": "web"}
    assert arguments_of(made, registration, sent) == {"sender": "web", "place": "place of web"}
    assert sent == {"sender": "web"}
    assert call(made, registration, registration.live(), sent) == "place of web"


def test_a_call_is_made_once(signal):
    """Sync or async; afterwards the response is None."""
    registration = connected(signal, echo, once=True)
    assert call(signal, registration, echo, {"a": 1}) == {"a": 1}
    assert call(signal, registration, echo, {"a": 1}) is None
    registration = connected(signal, aecho, once=True)
    assert asyncio.run(acall(signal, registration, aecho, {"a": 1})) == {"a": 1}
    assert asyncio.run(acall(signal, registration, aecho, {"a": 1})) is None


def test_a_delivery_gets_the_call(signal):
    """And the right to the only one, which it claims itself."""
    registration = connected(signal, echo, delivery=(later := Later()), once=True)
    arguments = {"sender": None}
    response = call(signal, registration, echo, arguments)
    assert asyncio.run(acall(signal, registration, echo, arguments)) == response
    assert len(later.kept) == 2
    assert not registration.is_spent


def test_who_is_awaited(signal):
    """Async receivers, unless their delivery awaits them later."""
    sync, direct = connected(signal, echo), connected(signal, aecho)
    later = connected(signal, aecho, sender=Signal, delivery=Later())
    for registration, expected in ((sync, False), (direct, True), (later, False)):
        receiver = registration.live()
        assert must_await(signal, registration, receiver, {"sender": None}) is expected
