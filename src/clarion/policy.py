"""How a kind of signal behaves: for those who write an integration.

    class EagerPolicy(DeclaredPolicy):
        def run_coroutine(self, coroutine):
            return eager_loop.run(coroutine)

    class EagerSignal(DeclaredSignal):
        policy_class = EagerPolicy

Derive from `Policy`, or for declared signals from `DeclaredPolicy`, and override what
differs. `set_policy` gives a policy to one signal, `policy_of` returns the one in use.
"""

from __future__ import annotations

from clarion._core.policy import DeclaredPolicy, Policy
from clarion._core.tabled import policy_of, set_policy

__all__ = ["DeclaredPolicy", "Policy", "policy_of", "set_policy"]
