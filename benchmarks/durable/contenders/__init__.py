"""The contenders: Clarion, the bare statements, and the peers.

Peers are imported by name when they are prepared, because they may be missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.durable.contenders.clarion_publish import (
    BareTransaction,
    ClarionDjango,
    ClarionSession,
    OutboxByHand,
    StatementByHand,
)
from benchmarks.durable.contenders.clarion_worker import ClarionWorker
from benchmarks.durable.contenders.floor import Floor100, Floor500
from benchmarks.durable.contenders.huey_sqlite import Huey
from benchmarks.durable.contenders.on_django import DomainEvents, TasksDb
from benchmarks.durable.contenders.pgqueuer_worker import PgQueuer
from benchmarks.durable.contenders.procrastinate_worker import Procrastinate

if TYPE_CHECKING:
    from benchmarks.durable.contender import Contender

EVERY: tuple[type[Contender], ...] = (
    BareTransaction,
    OutboxByHand,
    StatementByHand,
    Floor100,
    Floor500,
    ClarionWorker,
    ClarionSession,
    ClarionDjango,
    Procrastinate,
    PgQueuer,
    DomainEvents,
    TasksDb,
    Huey,
)
