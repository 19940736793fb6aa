"""Receivers that run after the commit, and not at all after a rollback.

`on_commit` is the delivery, and `atomic` the boundary for plain Python. The integrations with
Django and SQLAlchemy provide boundaries of their own.

In reading order; a module imports from those above it only:

1. `pending_call`: a receiver call that waits for a commit, as data, and its handle `Scheduled`.
   `parameters`: what a function requires and accepts by keyword.
2. `boundary`: where transactions begin and end, and which of them a context is in.
3. `providers`: how the boundaries of a framework are found.
4. `resolve`: the written rule that chooses the boundary of a send.
5. `outside`: what happens where no transaction is open. `nesting`: limits the depth of sends inside receivers.
6. `run`: runs calls after a commit, merges them, drops them after a rollback.
7. `suppress`, `coalesce`: `suppressed`, and the keys by which calls are merged.
8. `drivers`: how each kind of connection begins and ends a transaction.
9. `call_check`: refuses a send whose call would fail. `outer_savepoint`: calls a receiver inside a test. `protect`, `entered`: await a BEGIN or COMMIT to its end; begin and end one `atomic` block.
10. `atomic_block`, `delivery`: `atomic` and `on_commit`. `block_savepoints`, `savepoints`: a robust send with savepoints.

Never put here: a framework, a database driver, an import of an integration (`providers` names
two by strings), or code that stores a call outside this process.
"""

from __future__ import annotations

from clarion.commit.atomic_block import atomic
from clarion.commit.boundary import ActiveBoundary, Boundary, active_boundaries, request_boundaries
from clarion.commit.delivery import BoundOnCommit, OnCommit, on_commit
from clarion.commit.outside import set_outside
from clarion.commit.pending_call import PendingCall, Scheduled
from clarion.commit.providers import TransactionProvider, register_provider
from clarion.commit.run import (
    abandon_calls,
    arun_calls,
    drop_calls,
    run_at_once,
    run_call,
    run_calls,
)
from clarion.commit.savepoints import savepoints
from clarion.commit.suppress import suppressed

__all__ = [
    "ActiveBoundary",
    "BoundOnCommit",
    "Boundary",
    "OnCommit",
    "PendingCall",
    "Scheduled",
    "TransactionProvider",
    "abandon_calls",
    "active_boundaries",
    "arun_calls",
    "atomic",
    "drop_calls",
    "on_commit",
    "register_provider",
    "request_boundaries",
    "run_at_once",
    "run_call",
    "run_calls",
    "savepoints",
    "set_outside",
    "suppressed",
]
