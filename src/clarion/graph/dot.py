"""Draw a graph in DOT, the language of Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.graph.labels import printable
from clarion.graph.model import node_id

if TYPE_CHECKING:
    from clarion.graph.model import ConnectedReceiver, Graph, Node

# A label of DOT has escapes with a backslash, and entities of HTML.
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})

HEAD = """\
digraph clarion {
    rankdir=LR;
    node [fontname="Helvetica", shape=box, style=rounded];
    edge [fontname="Helvetica", fontsize=10];
"""


def draw_dot(graph: Graph) -> str:
    """Return a graph as the text of a DOT file."""
    lines = [_node(each) for each in (*graph.senders, *graph.signals, *graph.receivers)]
    lines += [
        f"    {node_id('sender', sender)} -> {node_id('signal', signal)};"
        for sender, signal in graph.links
    ]
    lines += [_edge(each) for each in graph.connections]
    return HEAD + "".join(f"{line}\n" for line in lines) + "}\n"


def _node(node: Node) -> str:
    more = {"sender": "", "signal": ", shape=ellipse", "receiver": ', style=""'}[node.kind]
    return f"    {node.id} [label={_quoted(node.name)}{more}];"


def _edge(connection: ConnectedReceiver) -> str:
    label = connection.label()
    attributes = [f"label={_quoted(label)}"] if label else []
    attributes += ["style=dashed"] if connection.delivery else []
    ends = f"{node_id('signal', connection.signal)} -> {node_id('receiver', connection.receiver)}"
    given = f" [{', '.join(attributes)}]" if attributes else ""
    return f"    {ends}{given};"


def _quoted(text: str) -> str:
    return f'"{printable(text).translate(_ESCAPES)}"'
