"""The formats in which a graph is drawn or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion._core.names import quoted_name
from clarion.errors import ArgumentError
from clarion.graph.dot import draw_dot
from clarion.graph.file import write_graph
from clarion.graph.mermaid import draw_mermaid
from clarion.graph.svg import draw_svg

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion.graph.model import Graph

FORMATS: dict[str, Callable[[Graph], str]] = {
    "mermaid": draw_mermaid,
    "dot": draw_dot,
    "json": write_graph,
    "svg": draw_svg,
}


def draw(graph: Graph, form: str = "mermaid") -> str:
    """Return a graph as text.

    Args:
        graph: the graph.
        form: "mermaid", "dot", "json" or "svg".

    Raises:
        ArgumentError: if there is no such format.
    """
    if form not in FORMATS:
        raise ArgumentError(
            f"No graph is drawn as {quoted_name(form)}. The formats are: {', '.join(FORMATS)}.",
            ["form"],
        )
    return FORMATS[form](graph)
