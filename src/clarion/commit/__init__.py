"""Receivers that run when it is true: after the commit, and not at all after a rollback.

`on_commit` is the delivery, `atomic` the boundary for plain Python; Django and SQLAlchemy have
theirs behind their doors. Which boundary a send belongs to is told in `boundary.py`.
"""

from __future__ import annotations

from clarion.commit.blocks import atomic
from clarion.commit.boundary import Boundary, TransactionProvider
from clarion.commit.delivery import BoundOnCommit, OnCommit, on_commit
from clarion.commit.pending_call import PendingCall, Scheduled
from clarion.commit.suppress import suppressed

__all__ = [
    "BoundOnCommit",
    "Boundary",
    "OnCommit",
    "PendingCall",
    "Scheduled",
    "TransactionProvider",
    "atomic",
    "on_commit",
    "suppressed",
]
