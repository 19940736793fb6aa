"""Compare two graphs: the receivers that the newer one connects, disconnects or changes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clarion.listing import reading_order

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from clarion.graph.model import ConnectedReceiver, Graph

CONNECTED, DISCONNECTED, CHANGED = "connected", "disconnected", "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One receiver of one signal that differs.

    Attributes:
        kind: "connected", "disconnected" or "changed".
        old: the connection before; None if it is new.
        new: the connection now; None if it is gone.
    """

    kind: str
    old: ConnectedReceiver | None
    new: ConnectedReceiver | None

    @property
    def connection(self) -> ConnectedReceiver:
        """The connection now, or the last one."""
        found = self.new or self.old
        assert found is not None  # noqa: S101  # one of them is there
        return found

    def options(self) -> dict[str, tuple[object, object]]:
        """Return the options that differ, each with its value before and now."""
        if self.old is None or self.new is None:
            return {}
        before, now = self.old.options(), self.new.options()
        return {name: (before[name], now[name]) for name in now if before[name] != now[name]}


def compare(old: Graph, new: Graph) -> list[Change]:
    """Return the changes between two graphs, by signal and receiver.

    Names and options are compared, files and lines are not: a function that moves within its
    module does not differ. If a receiver is connected several times to a signal,
    connections with the same sender and `dispatch_uid` are compared with each other first.
    """
    before, now = _by_names(old.connections), _by_names(new.connections)
    return [
        change
        for names in sorted({*before, *now}, key=lambda names: [*map(reading_order, names)])
        for change in _changes(before.get(names, []), now.get(names, []))
    ]


def _by_names(
    connections: Iterable[ConnectedReceiver],
) -> dict[tuple[str, str], list[ConnectedReceiver]]:
    found: dict[tuple[str, str], list[ConnectedReceiver]] = {}
    for each in connections:
        found.setdefault((each.signal, each.receiver), []).append(each)
    return found


def _changes(old: list[ConnectedReceiver], new: list[ConnectedReceiver]) -> list[Change]:
    """Return the changes of one receiver of one signal."""
    old, new = list(old), list(new)
    _pair(old, new, lambda each: tuple(each.options().values()))
    pairs = _pair(old, new, lambda each: (each.sender, each.dispatch_uid))
    pairs += _pair(old, new, lambda _: None)
    changes = [Change(CHANGED, before, now) for before, now in pairs]
    changes += [Change(DISCONNECTED, each, None) for each in old]
    return changes + [Change(CONNECTED, None, each) for each in new]


def _pair(
    old: list[ConnectedReceiver],
    new: list[ConnectedReceiver],
    key: Callable[[ConnectedReceiver], Hashable],
) -> list[tuple[ConnectedReceiver, ConnectedReceiver]]:
    """Remove the connections that have the same key from both lists, and return them in pairs."""
    waiting: dict[Hashable, deque[ConnectedReceiver]] = {}
    for each in new:
        waiting.setdefault(key(each), deque()).append(each)
    pairs: list[tuple[ConnectedReceiver, ConnectedReceiver]] = []
    rest: list[ConnectedReceiver] = []
    for each in old:
        if same := waiting.get(key(each)):
            pairs.append((each, same.popleft()))
        else:
            rest.append(each)
    paired = {id(now) for _, now in pairs}
    old[:], new[:] = rest, [each for each in new if id(each) not in paired]
    return pairs
