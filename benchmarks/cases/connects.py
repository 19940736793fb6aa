"""Connecting and disconnecting many receivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import receivers
from benchmarks.cases import Case, Pair, against
from benchmarks.timing import statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers import Library

MANY, FEW = 10_000, 1_000

ENTRIES = """\
for receiver in receivers:
    entries[receiver] = receiver
for receiver in receivers:
    del entries[receiver]
"""


def many(libraries: Sequence[Library]) -> list[Pair]:
    """Connect and disconnect many receivers; insert and delete as many entries."""
    listeners = receivers.plain(MANY)
    entries = statement(ENTRIES, receivers=listeners, entries={})
    return against(entries, [(each, each.churn(listeners)) for each in libraries])


def growth(libraries: Sequence[Library]) -> list[Pair]:
    """Compare the time per receiver among many with the time among few."""
    listeners = receivers.plain(MANY)
    return [
        Pair(each.name, each.churn(listeners), each.churn(listeners[:FEW]), work=MANY / FEW)
        for each in libraries
    ]


CASES = [
    Case(f"connect + disconnect {MANY:,}", "dict insert + delete", 25.0, many, slow=True),
    Case(f"connect + disconnect, each of {MANY:,}", f"each of {FEW:,}", 1.2, growth, slow=True),
]
