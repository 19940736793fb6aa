"""Durations, as a person writes and reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from clarion.errors import ArgumentError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SHOWN = ((604_800, "w"), (86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_AGE = re.compile(r"([0-9]{1,6}) ?([smhdw])")


def milliseconds(age: str) -> int:
    """Return the milliseconds of a duration such as `7d`, `12h`, `30m` or `90s`.

    Raises:
        ArgumentError: if it is no such text.
    """
    match = _AGE.fullmatch(age.strip())
    if match is None:
        raise ArgumentError(
            "The age cannot be read. Write a whole number and a unit: 90s, 30m, 12h, 7d or 2w."
        )
    return int(match[1]) * _SECONDS[match[2]] * 1000


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
