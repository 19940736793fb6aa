"""What a worker has done, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter

COUNTS = ("made", "retried", "dead", "postponed", "skipped", "lost")


def summary(counts: Counter[str]) -> str:
    """Return the counts as the last line of a worker: "Stopped: 3 made, 1 retried.".

    Args:
        counts: the counts, see `Worker`.
    """
    shown = ", ".join(f"{counts[each]} {each}" for each in COUNTS if counts[each])
    return f"Stopped: {shown or 'no delivery was due'}."
