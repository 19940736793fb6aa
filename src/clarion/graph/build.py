"""Build the graph of the receivers that this process has connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.graph.model import ConnectedReceiver, Graph
from clarion.listing import Filters, facts_of, file_of, list_signals

if TYPE_CHECKING:
    from clarion._core.registration import Registration


def build_graph(filters: Filters | None = None, *, every: bool = False) -> Graph:
    """Return the graph of the receivers that are connected now.

    Args:
        filters: which signals, senders, receivers and files; by default all.
        every: whether to keep signals without receivers.

    Returns:
        A `Graph`.
    """
    wanted = filters or Filters()
    listed = list_signals([wanted.signal] if wanted.signal else [])
    found = [_connection(name, each) for name, receivers in listed for each in receivers]
    graph = Graph(found, (name for name, _ in listed) if every else ())
    return filter_graph(graph, wanted)


def filter_graph(graph: Graph, filters: Filters) -> Graph:
    """Return the part of a graph that the filters allow."""
    kept = [
        each
        for each in graph.connections
        if filters.signal in each.signal
        and filters.allow(each.sender or "", each.receiver, each.file or "")
    ]
    alone = {each.name for each in graph.signals} - {each.signal for each in graph.connections}
    return Graph(kept, {name for name in alone if filters.signal in name})


def _connection(signal: str, registration: Registration) -> ConnectedReceiver:
    facts: dict[str, Any] = facts_of(registration)
    facts["file"] = file_of(registration)
    return ConnectedReceiver(signal=signal, **facts)
