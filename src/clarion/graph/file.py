"""A graph as JSON: for programs, and to compare with a later one."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, cast

from clarion.errors import ArgumentError
from clarion.graph.model import ConnectedReceiver, Graph

if TYPE_CHECKING:
    from clarion.graph.model import Node

VERSION = 1

# The types of the attributes of a connection, as the file has them.
_TEXT: set[type] = {str, type(None)}
_FLAG: set[type] = {bool}
_TYPES: dict[str, set[type]] = {
    "signal": {str},
    "receiver": {str},
    "sender": _TEXT,
    "file": _TEXT,
    "line": {int, type(None)},
    "mode": {str},
    "priority": {int},
    "once": _FLAG,
    "subclasses": _FLAG,
    "inline": _FLAG,
    "weak": _FLAG,
    "delivery": _TEXT,
    "dispatch_uid": _TEXT,
}


def graph_as_json(graph: Graph) -> dict[str, Any]:
    """Return a graph as JSON; `read_graph` reads it back."""
    return {
        "clarion_graph": VERSION,
        "senders": [_node(each) for each in graph.senders],
        "signals": [_node(each) for each in graph.signals],
        "receivers": [_node(each) for each in graph.receivers],
        "connections": [asdict(each) for each in graph.connections],
    }


def write_graph(graph: Graph) -> str:
    """Return the text of a file with a graph."""
    return json.dumps(graph_as_json(graph), indent=2) + "\n"


def read_graph(text: str | bytes) -> Graph:
    """Return the graph in a file that ``clarion graph --format json`` has written.

    Raises:
        ArgumentError: if the text is not such a graph.
    """
    parts = _parts_of(text)
    # The version is checked first, because another version may have other keys.
    if parts["clarion_graph"] != VERSION:
        raise ArgumentError(
            f"The graph is of another version, and this Clarion reads {VERSION}. Write it again with "
            f"`clarion graph --format json`."
        )
    try:
        signals: list[Any] = [each["name"] for each in parts["signals"]]
        connections = [_connection(each) for each in parts["connections"]]
    except (TypeError, KeyError):
        raise _unreadable() from None
    if not all(type(each) is str for each in signals):
        raise _unreadable()
    return Graph(connections, signals)


def _parts_of(text: str | bytes) -> dict[str, Any]:
    """Return the object in a text of JSON, which has at least a version."""
    try:
        parts: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise _unreadable() from None
    found = cast("dict[str, Any]", parts) if type(parts) is dict else {}
    if type(found.get("clarion_graph")) is not int:
        raise _unreadable()
    return found


def _node(node: Node) -> dict[str, str]:
    return {"id": node.id, "name": node.name}


def _connection(parts: dict[str, object]) -> ConnectedReceiver:
    known = {each.name: parts[each.name] for each in fields(ConnectedReceiver)}
    if any(type(value) not in _TYPES[name] for name, value in known.items()):
        raise _unreadable()
    return ConnectedReceiver(**cast("dict[str, Any]", known))


def _unreadable() -> ArgumentError:
    return ArgumentError(
        "The text is no graph of Clarion. Write one with `clarion graph --format json`."
    )
