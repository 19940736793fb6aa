"""The public place of the policies."""

import clarion.policy
from clarion import DeclaredSignal, Signal
from clarion.policy import DeclaredPolicy, Policy, policy_of, set_policy


def test_what_an_integration_needs_is_public():
    """Under one name, with the docstring's example working."""
    assert set(clarion.policy.__all__) == {"DeclaredPolicy", "Policy", "policy_of", "set_policy"}

    class EagerPolicy(DeclaredPolicy):
        def run_coroutine(self, coroutine):
            coroutine.close()
            return "eager"

    class EagerSignal(DeclaredSignal[..., object]):
        policy_class = EagerPolicy

    @EagerSignal
    def paid(*, sender: object) -> None: ...

    async def thank(sender): ...

    paid.connect(thank)
    assert paid.send(sender=None) == [(thank, "eager")]


def test_one_signal_can_have_its_own():
    """Which policy_of returns."""
    made, policy = Signal(), Policy()
    set_policy(made, policy)
    assert policy_of(made) is policy
