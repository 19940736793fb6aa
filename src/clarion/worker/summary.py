"""What a worker has done, and what it has left, in one line."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from clarion.outbox.waits import count_waits, describe_waits
from clarion.worker.plans import Plans

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from clarion.outbox.database import Database

COUNTS = ("made", "retried", "dead", "postponed", "skipped", "lost")


def summary(counts: Counter[str], waits: str = "") -> str:
    """Return the counts as the last line of a worker: "Stopped: 3 made, 1 retried.".

    Args:
        counts: the counts, see `Worker`.
        waits: from `find_waits`, for a worker that ends by itself.
    """
    shown = ", ".join(f"{counts[each]} {each}" for each in COUNTS if counts[each])
    return f"Stopped: {shown or 'no delivery was due'}.{waits and f' {waits}'}"


def find_waits(database: Database, only: Sequence[str] | None = None) -> str:
    """Return a sentence that says which deliveries wait, and why; empty if none does.

    Args:
        database: the database of a worker that has ended.
        only: the names of the receivers that it has served; None for all that are connected.
    """
    receivers = Plans(database, only).receivers()
    with closing(database.connect()) as connection:
        return describe_waits(count_waits(connection), receivers)
