"""Text from the database and the program, as a terminal can show it: see `safe`."""

from __future__ import annotations

import json
from typing import Any

from clarion._core.printable import safe_lines

# The marks after which a line is broken: those of the first group that has one after a third of the line.
_BREAKS = (",", " /:", ".", "=(", "_")


def fold(text: str, width: int) -> list[str]:
    """Break one line of text after a space or the end of a part of a name, where that is possible."""
    lines: list[str] = []
    while len(text) > width:
        cut = _cut_of(text[:width])
        lines.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*lines, text]


def _cut_of(line: str) -> int:
    """Return where to break a line that is full."""
    cuts = [max(map(line.rfind, marks)) + 1 for marks in _BREAKS]
    far_enough = (cut for cut in cuts if cut >= len(line) // 3)
    return next(far_enough, max(cuts)) or len(line)  # the whole width for a name without parts


def pretty(payload: bytes) -> str:
    """Return a payload for a person: its JSON with indentation, or its bytes if it is damaged."""
    from clarion.outbox.facts import decoded  # commands without an outbox do not load it

    found = decoded(payload)
    if found is None:
        return safe_lines(payload.decode("utf-8", "backslashreplace"))
    return safe_lines(json.dumps(found, indent=2, ensure_ascii=False))


def as_json(value: Any) -> str:
    """Return a value as JSON, in ASCII."""
    return json.dumps(value, indent=2)
