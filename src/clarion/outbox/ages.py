"""The age of a send, as a person writes it."""

from __future__ import annotations

import re

from clarion.errors import ArgumentError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
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
