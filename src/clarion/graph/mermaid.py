"""Draw a graph as a flowchart of Mermaid, which GitHub and GitLab show in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.graph.labels import printable
from clarion.graph.model import node_id

if TYPE_CHECKING:
    from clarion.graph.model import ConnectedReceiver, Graph, Node

# Mermaid reads these inside quotes: its own escapes, HTML, Markdown and directives.
_ESCAPES = str.maketrans({each: f"#{ord(each)};" for each in '#"<>&`%\\{}'})

SHAPES = {"sender": ('("', '")'), "signal": ('(["', '"])'), "receiver": ('["', '"]')}


def draw_mermaid(graph: Graph) -> str:
    """Return a graph as the text of a Mermaid flowchart."""
    lines = ["flowchart LR"]
    lines += [_node(each) for each in (*graph.senders, *graph.signals, *graph.receivers)]
    lines += [
        f"    {node_id('sender', sender)} --> {node_id('signal', signal)}"
        for sender, signal in graph.links
    ]
    lines += [_edge(each) for each in graph.connections]
    return "\n".join(lines) + "\n"


def _node(node: Node) -> str:
    opened, closed = SHAPES[node.kind]
    return f"    {node.id}{opened}{_escaped(node.name)}{closed}"


def _edge(connection: ConnectedReceiver) -> str:
    words = connection.label()
    arrow = "-.->" if connection.delivery else "-->"
    label = f'|"{_escaped(words)}"|' if words else ""
    signal = node_id("signal", connection.signal)
    return f"    {signal} {arrow}{label} {node_id('receiver', connection.receiver)}"


def _escaped(text: str) -> str:
    return printable(text).translate(_ESCAPES)
