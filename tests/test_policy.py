"""The public module of the policies."""

import clarion.policy
from clarion import DeclaredSignal, Signal
from clarion.policy import DeclaredPolicy, Policy, policy_of, set_policy


def test_the_policies_are_public():
    """The module exports the policies, and the example in its docstring holds."""
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
    """set_policy gives one signal its own policy, and policy_of returns it."""
    made, policy = Signal(), Policy()
    set_policy(made, policy)
    assert policy_of(made) is policy
