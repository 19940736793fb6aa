"""The functions that call one registration."""

import asyncio

import pytest

from clarion import Signal
from clarion._core.call import acall, arguments_of, call, claim, must_await
from clarion._core.tabled import set_policy, table_of
from clarion.policy import Policy
from tests.core.deliveries import Later


class Placing(Policy):
    """A policy that provides the argument `place`."""

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
    """Only the first call of a once=True receiver is claimed, and it disconnects the receiver."""
    registration = connected(signal, echo, once=once)
    assert claim(signal, registration)
    assert signal.has_listeners() is not once
    assert claim(signal, registration) is not once


def test_requested_arguments_are_added():
    """Requested arguments are added to a copy of the arguments of the send."""
    made = Signal()
    set_policy(made, Placing())
    registration = connected(made, lambda place, **kwargs: place)
    sent = {"sender": "web"}
    assert arguments_of(made, registration, sent) == {"sender": "web", "place": "place of web"}
    assert sent == {"sender": "web"}
    assert call(made, registration, registration.live(), sent) == "place of web"


def test_a_once_registration_is_called_once(signal):
    """A once=True registration is called once, sync or async; later responses are None."""
    registration = connected(signal, echo, once=True)
    assert call(signal, registration, echo, {"a": 1}) == {"a": 1}
    assert call(signal, registration, echo, {"a": 1}) is None
    registration = connected(signal, aecho, once=True)
    assert asyncio.run(acall(signal, registration, aecho, {"a": 1})) == {"a": 1}
    assert asyncio.run(acall(signal, registration, aecho, {"a": 1})) is None


def test_a_delivery_gets_the_call(signal):
    """A delivery gets the call and claims the only call of a once=True receiver."""
    registration = connected(signal, echo, delivery=(later := Later()), once=True)
    arguments = {"sender": None}
    response = call(signal, registration, echo, arguments)
    assert asyncio.run(acall(signal, registration, echo, arguments)) == response
    assert len(later.kept) == 2
    assert not registration.is_spent


def test_async_receivers_are_awaited(signal):
    """Async receivers are awaited, unless their delivery awaits them later."""
    sync, direct = connected(signal, echo), connected(signal, aecho)
    later = connected(signal, aecho, sender=Signal, delivery=Later())
    for registration, expected in ((sync, False), (direct, True), (later, False)):
        receiver = registration.live()
        assert must_await(signal, registration, receiver, {"sender": None}) is expected
