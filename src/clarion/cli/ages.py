"""Durations, as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_SHOWN = ((604_800, "w"), (86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def shown(duration: timedelta) -> str:
    """Return a duration in its largest unit: `3 h`."""
    seconds = abs(int(duration.total_seconds()))
    for size, unit in _SHOWN:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "0 s"


def since(moment: datetime, now: datetime | None = None) -> str:
    """Return how far a moment is away: `3 h ago`, `in 5 min` or `now`."""
    distance = (datetime.now(UTC) if now is None else now) - moment
    if abs(distance) < timedelta(seconds=1):
        return "now"
    return f"{shown(distance)} ago" if distance > timedelta() else f"in {shown(distance)}"
