"""The difference between two graphs, for people: words, JSON, and Markdown for a pull request."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from clarion.graph.difference import CHANGED, CONNECTED, DISCONNECTED
from clarion.graph.labels import printable
from clarion.graph.model import ANY_SENDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion.graph.difference import Change
    from clarion.graph.model import ConnectedReceiver

SIGNS = {CONNECTED: "+", DISCONNECTED: "-", CHANGED: "~"}

NOTHING = "No receiver is connected, disconnected or changed."


def summary(changes: Sequence[Change]) -> str:
    """Return how many receivers differ, in one sentence."""
    if not changes:
        return NOTHING
    counted = [
        f"{count} {kind}" for kind in SIGNS if (count := sum(each.kind == kind for each in changes))
    ]
    receivers = "receiver differs" if len(changes) == 1 else "receivers differ"
    return f"{len(changes)} {receivers}: {', '.join(counted)}."


def described(change: Change) -> str:
    """Return the options of the connection, or only those that differ."""
    differing = change.options()
    if differing:
        return "; ".join(
            f"{name.replace('_', ' ')}: {_shown(name, before)} -> {_shown(name, now)}"
            for name, (before, now) in differing.items()
        )
    return _described(change.connection)


def _described(connection: ConnectedReceiver) -> str:
    return connection.label() or ANY_SENDER


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return {"sender": ANY_SENDER, "delivery": "in the send"}.get(name, "none")
    return str(value)


def changes_as_json(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return the changes as JSON."""
    return [
        {
            "change": each.kind,
            "signal": each.connection.signal,
            "receiver": each.connection.receiver,
            "options": sorted(each.options()),
            "old": None if each.old is None else asdict(each.old),
            "new": None if each.new is None else asdict(each.new),
        }
        for each in changes
    ]


def as_markdown(changes: Sequence[Change]) -> str:
    """Return the changes as Markdown, for a comment of a pull request."""
    lines = ["### Signals", "", summary(changes)]
    if changes:
        lines += ["", "| | Signal | Receiver | |", "|---|---|---|---|"]
        lines += [_row(each) for each in changes]
    return "\n".join(lines) + "\n"


def _row(change: Change) -> str:
    connection = change.connection
    place = (
        "" if connection.file is None else f"<br>{_code(f'{connection.file}:{connection.line}')}"
    )
    cells = (
        f"**{change.kind}**",
        _code(connection.signal),
        _code(connection.receiver) + place,
        _code(described(change)),
    )
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    """Return the text as Markdown code for a table, so that markup in it has no effect."""
    shown = printable(text).replace("|", r"\|")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{shown}{space}{fence}"
