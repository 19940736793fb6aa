"""Where each box and line of a drawing is: three columns of senders, signals and receivers.

Text is in a font of fixed width, so that its width is known without the font.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from unicodedata import east_asian_width

from clarion.graph.labels import printable, shortened, split_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clarion.graph.model import ConnectedReceiver, Graph, Node

# In pixels. Fixed fonts are 0.60 em wide at most; a wide character takes two cells.
FONT, SMALL = 13.0, 11.0
CELL = 0.62
LINE = 18.0
PADDING, GAP, MARGIN = 10.0, 12.0, 24.0
BETWEEN = 110.0  # columns
HEADING = 28.0

LONGEST = 48  # characters of a line; the title of the box has the whole name


class Text(NamedTuple):
    """One line in a box.

    Attributes:
        text: what it says.
        kind: "name", "module" or "options".
    """

    text: str
    kind: str


class Box(NamedTuple):
    """The box of one node.

    Attributes:
        node: the node.
        lines: the lines in it, from top to bottom.
        x, y, width, height: where it is, in pixels.
    """

    node: Node
    lines: tuple[Text, ...]
    x: float
    y: float
    width: float
    height: float

    def baseline(self, place: int) -> float:
        """Return the y of the baseline of a line."""
        return self.y + PADDING / 2 + (place + 0.72) * LINE

    def middle(self, place: int | None = None) -> float:
        """Return the y of the middle of the box, or of one of its lines."""
        if place is None:
            return self.y + self.height / 2
        return self.y + PADDING / 2 + (place + 0.5) * LINE


class Edge(NamedTuple):
    """A line between two boxes.

    Attributes:
        start, end: its ends, each with x and y.
        is_deferred: whether the receiver is called by a delivery.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    is_deferred: bool


class Layout(NamedTuple):
    """A drawing, in pixels.

    Attributes:
        boxes: the boxes.
        edges: the lines.
        headings: the x and the text of the heading of each column.
        width, height: the size.
    """

    boxes: list[Box]
    edges: list[Edge]
    headings: list[tuple[float, str]]
    width: float
    height: float


def lay_out(graph: Graph) -> Layout:
    """Return where the boxes and lines of a graph are."""
    of_receiver: dict[str, list[ConnectedReceiver]] = {}
    for each in graph.connections:
        of_receiver.setdefault(each.receiver, []).append(each)
    signals = {node.name: place for place, node in enumerate(graph.signals)}
    of_signals = [(each.receiver, each.signal) for each in graph.connections]
    columns: list[Sequence[tuple[Node, tuple[Text, ...]]]] = [
        [(node, _name_lines(node.name)) for node in _near(graph.senders, graph.links, signals)],
        [(node, _name_lines(node.name)) for node in graph.signals],
        [
            (node, (*_name_lines(node.name), *map(_options, of_receiver[node.name])))
            for node in _near(graph.receivers, of_signals, signals)
        ],
    ]
    tallest = max(map(_height, columns))
    boxes: list[Box] = []
    headings: list[tuple[float, str]] = []
    x = MARGIN
    for column, title in zip(columns, ("senders", "signals", "receivers"), strict=True):
        y = MARGIN + HEADING + (tallest - _height(column)) / 2
        placed = _column(column, x, y)
        boxes += placed
        headings.append((x, title))
        x += max((each.width for each in placed), default=80.0) + BETWEEN
    edges = [*_sender_edges(graph, boxes), *_receiver_edges(boxes, of_receiver)]
    return Layout(boxes, edges, headings, x - BETWEEN + MARGIN, 2 * MARGIN + HEADING + tallest)


def text_width(text: str, size: float) -> float:
    """Return how wide a text is at most."""
    cells = sum(2 if east_asian_width(each) in {"W", "F"} else 1 for each in text)
    return cells * CELL * size


def _near(
    nodes: Sequence[Node], links: Iterable[tuple[str, str]], places: dict[str, int]
) -> list[Node]:
    """Return the nodes in the order of the signals that they are linked with."""
    linked: dict[str, list[int]] = {}
    for name, signal in links:
        linked.setdefault(name, []).append(places[signal])

    def rank(node: Node) -> float:
        found = linked[node.name]
        return sum(found) / len(found)

    return sorted(nodes, key=rank)  # those with the same rank keep their order


def _name_lines(name: str) -> tuple[Text, ...]:
    last, before = split_name(printable(name))
    lines = [Text(shortened(last, LONGEST), "name")]
    return (*lines, Text(shortened(before, LONGEST), "module")) if before else tuple(lines)


def _options(connection: ConnectedReceiver) -> Text:
    label = connection.label() or connection.sender_or_any
    return Text(shortened(printable(label), LONGEST), "options")


def _width(lines: Iterable[Text]) -> float:
    widths = [text_width(each.text, FONT if each.kind == "name" else SMALL) for each in lines]
    return max(widths) + 2 * PADDING


def _height(column: Sequence[tuple[Node, tuple[Text, ...]]]) -> float:
    return max(0.0, sum(len(lines) * LINE + PADDING + GAP for _, lines in column) - GAP)


def _column(column: Sequence[tuple[Node, tuple[Text, ...]]], x: float, y: float) -> list[Box]:
    width = max((_width(lines) for _, lines in column), default=0.0)
    boxes: list[Box] = []
    for node, lines in column:
        height = len(lines) * LINE + PADDING
        boxes.append(Box(node, lines, x, y, width, height))
        y += height + GAP
    return boxes


def _at(boxes: Iterable[Box], kind: str) -> dict[str, Box]:
    return {each.node.name: each for each in boxes if each.node.kind == kind}


def _sender_edges(graph: Graph, boxes: list[Box]) -> list[Edge]:
    senders, signals = _at(boxes, "sender"), _at(boxes, "signal")
    return [
        _edge(senders[sender], signals[signal], None, is_deferred=False)
        for sender, signal in graph.links
    ]


def _receiver_edges(
    boxes: list[Box], of_receiver: dict[str, list[ConnectedReceiver]]
) -> list[Edge]:
    signals, receivers = _at(boxes, "signal"), _at(boxes, "receiver")
    edges: list[Edge] = []
    for name, box in receivers.items():
        first = len(box.lines) - len(of_receiver[name])
        edges += [
            _edge(signals[each.signal], box, place, is_deferred=each.delivery is not None)
            for place, each in enumerate(of_receiver[name], first)
        ]
    return edges


def _edge(left: Box, right: Box, place: int | None, *, is_deferred: bool) -> Edge:
    start = (left.x + left.width, left.middle())
    return Edge(start, (right.x, right.middle(place)), is_deferred)
