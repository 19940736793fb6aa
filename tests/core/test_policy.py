"""A policy defines how a kind of signal behaves."""

import asyncio

import pytest

from clarion import Signal, signal
from clarion._core.policy import ANY_KEYWORD
from clarion._core.receiver import find_registration
from clarion.policy import Policy, policy_of, set_policy
from tests.twins import implementation

__all__ = ["implementation"]


class Recording(Policy):
    """A policy that records its calls."""

    provides = ("place",)

    def __init__(self):
        self.calls = []

    def complete_arguments(self, signal, sender, kwargs):
        return {**super().complete_arguments(signal, sender, kwargs), "added": 1}

    def check_receiver(self, signal, receiver, provided=(), flags=0):
        self.calls.append(("check_receiver", receiver))

    def check_sender(self, sender, *, subclasses):
        self.calls.append(("check_sender", sender, subclasses))

    def provide(self, signal, name, arguments):
        return f"{name} of {arguments['sender']}"

    def log_failure(self, signal, receiver, error):
        self.calls.append(("log_failure", signal, receiver, error))

    def run_coroutine(self, coroutine):
        self.calls.append("run_coroutine")
        return super().run_coroutine(coroutine)

    async def run_in_thread(self, function):
        self.calls.append("run_in_thread")
        return await super().run_in_thread(function)


@pytest.fixture
def policy():
    return Recording()


@pytest.fixture
def recorded(policy):
    made = Signal()
    set_policy(made, policy)
    return made


def test_plain_signals_share_one_policy():
    """Plain signals share one stateless policy, and set_policy replaces it for one signal."""
    made = Signal()
    assert policy_of(made) is policy_of(Signal()) is ANY_KEYWORD
    set_policy(made, replaced := Policy())
    assert policy_of(made) is replaced


def test_connect_calls_it(recorded, policy):
    """Connecting checks the receiver, and the sender if one is given."""
    recorded.connect(print)
    recorded.connect(print, "web")
    assert policy.calls == [
        *[("check_receiver", print)] * 2,
        ("check_sender", "web", False),
    ]


def test_a_receiver_gets_what_it_requests(recorded):
    """A receiver gets the arguments that its parameters request and the policy provides."""
    recorded.connect(lambda place, **kwargs: place)
    assert [response for _, response in recorded.send("web")] == ["place of web"]


def test_robust_sends_log_by_it(recorded, policy):
    """Robust sends log failures with the policy, on the fast and the slow path."""

    def fail(**kwargs):
        raise failure

    async def afail(**kwargs):
        raise failure

    failure = ValueError("no")
    recorded.connect(fail)
    recorded.send_robust(None)
    recorded.connect(afail)
    recorded.send_robust(None)
    asyncio.run(recorded.asend_robust(None))
    recorded.disconnect(fail)
    asyncio.run(recorded.asend_robust(None))
    logged = [call for call in policy.calls if call[0] == "log_failure"]
    each = [("log_failure", recorded, receiver, failure) for receiver in (fail, afail)]
    assert logged == [each[0], *each, *each, each[1]]


def test_async_receivers_run_by_it(recorded, policy):
    """Without a running event loop the policy runs async receivers."""

    async def answer(**kwargs):
        return 1

    recorded.connect(answer)
    assert recorded.send(None) == [(answer, 1)]
    assert "run_coroutine" in policy.calls


def test_sync_receivers_run_in_threads_by_it(recorded, policy):
    """The policy runs the sync receivers of an asend in threads."""
    recorded.connect(answer := lambda **kwargs: 1)
    assert asyncio.run(recorded.asend(None)) == [(answer, 1)]
    assert "run_in_thread" in policy.calls


def test_it_completes_the_arguments():
    """The policy completes the arguments of a declared signal with defaults."""

    def answer(sender: object, amount: int, currency: str = "") -> object:
        return amount, currency

    @signal
    def paid(sender: object, amount: int, currency: str = "EUR") -> None: ...

    paid.connect(answer)
    assert paid.send(None, amount=1) == [(answer, (1, "EUR"))]
    assert policy_of(paid).complete_arguments(paid, None, {"amount": 1}) == {
        "sender": None,
        "amount": 1,
        "currency": "EUR",
    }
    assert list(policy_of(paid).parameters or ()) == ["amount", "currency"]


def test_senders_are_resolved_by_it():
    """@receiver resolves the sender with the policy to find an existing registration."""

    class Named(Policy):
        def resolve_sender(self, sender):
            return {"one": Signal}.get(sender, sender)

    def listen(sender, **kwargs): ...

    named = Signal()
    set_policy(named, Named())
    named.connect(listen, Signal)
    found = find_registration(named, listen, "one")
    assert found is not None
    assert found.sender is Signal
