"""Draw which receivers listen to which signals, and compare it with an earlier state.

>>> from clarion import Signal, receiver
>>> from clarion.graph import Filters, build_graph, draw
>>> order_paid = Signal(name="shop.order_paid")
>>> @receiver(order_paid, sender="web", priority=5)
... def thank(sender, **kwargs): ...
>>> graph = build_graph(Filters(signal="shop.order_paid"))
>>> [(each.sender, each.receiver) for each in graph.connections]
[("'web'", 'clarion.graph.thank')]
>>> print(draw(graph).splitlines()[0])
flowchart LR

In reading order; each module imports only from those above it:

1. `model`, `labels`: the graph as data, and the names in a drawing.
2. `build`: the graph of the connected receivers.
3. `mermaid`, `dot`, `file` for JSON, `layout` and `svg`: one module for each format. `formats`: all.
4. `difference`, `report`: what differs between two graphs, as data and as text.

Never put here: a framework, or what a terminal shows.
"""

from __future__ import annotations

from clarion.graph.build import build_graph, filter_graph
from clarion.graph.difference import Change, compare
from clarion.graph.file import read_graph
from clarion.graph.formats import draw
from clarion.graph.model import ConnectedReceiver, Graph, Node
from clarion.graph.report import as_markdown
from clarion.listing import Filters

__all__ = [
    "Change",
    "ConnectedReceiver",
    "Filters",
    "Graph",
    "Node",
    "as_markdown",
    "build_graph",
    "compare",
    "draw",
    "filter_graph",
    "read_graph",
]
