"""Draw a graph as SVG: a file of its own, for light and dark pages and for screen readers."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from clarion.graph.labels import printable
from clarion.graph.layout import FONT, MARGIN, PADDING, SMALL, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion.graph.layout import Box, Edge
    from clarion.graph.model import ConnectedReceiver, Graph

STYLE = f"""\
svg {{ background: #ffffff; }}
text {{ font: {FONT:g}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1f2328; }}
rect {{ fill: #f6f8fa; stroke: #8c959f; }}
path {{ fill: none; stroke: #6e7781; stroke-width: 1.3; }}
.signal rect {{ fill: #ddf4ff; stroke: #218bff; }}
.heading, .module, .options {{ font-size: {SMALL:g}px; fill: #57606a; }}
.options {{ fill: #0550ae; }}
.deferred {{ stroke-dasharray: 5 4; }}
@media (prefers-color-scheme: dark) {{
  svg {{ background: #0d1117; }}
  text {{ fill: #e6edf3; }}
  rect {{ fill: #161b22; stroke: #6e7681; }}
  path {{ stroke: #8b949e; }}
  .signal rect {{ fill: #0c2d6b; stroke: #58a6ff; }}
  .heading, .module {{ fill: #9ea7b3; }}
  .options {{ fill: #79c0ff; }}
}}"""


def draw_svg(graph: Graph) -> str:
    """Return a graph as the text of an SVG file."""
    layout = lay_out(graph)
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    opened = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">'
    )
    lines = [
        opened,
        '<title id="title">Signals and their receivers</title>',
        f'<desc id="desc">{_escaped(_described(graph))}</desc>',
        f"<style>\n{STYLE}\n</style>",
        *(
            f'<text class="heading" x="{x:.1f}" y="{MARGIN + SMALL:.1f}">{title}</text>'
            for x, title in layout.headings
        ),
        *map(_path, layout.edges),
        *(line for box in layout.boxes for line in _box(box)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _described(graph: Graph) -> str:
    """Return the drawing in words, for those who do not see it."""
    if not graph.connections:
        return "No receiver is connected."
    return " ".join(map(_sentence, graph.connections))


def _sentence(connection: ConnectedReceiver) -> str:
    options = ", ".join(connection.words())
    return (
        f"{connection.signal} of {connection.sender_or_any} calls {connection.receiver}"
        f"{f' ({options})' if options else ''}."
    )


def _path(edge: Edge) -> str:
    (x1, y1), (x2, y2) = edge.start, edge.end
    bend = (x2 - x1) / 2
    shape = (
        f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    )
    kind = ' class="deferred"' if edge.is_deferred else ""
    return f'<path{kind} d="{shape}"/>'


def _box(box: Box) -> Iterator[str]:
    node = box.node
    yield f'<g class="{node.kind}" id="{node.id}"><title>{_escaped(node.name)}</title>'
    yield (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="6"/>'
    )
    for place, (text, kind) in enumerate(box.lines):
        yield (
            f'<text class="{kind}" x="{box.x + PADDING:.1f}" y="{box.baseline(place):.1f}">'
            f"{_escaped(text)}</text>"
        )
    yield "</g>"


def _escaped(text: str) -> str:
    return escape(printable(text), quote=False)
