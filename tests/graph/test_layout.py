"""Where boxes and lines are."""

import itertools

from clarion.graph import ConnectedReceiver, Graph
from clarion.graph.layout import FONT, PADDING, SMALL, lay_out, text_width


def test_boxes_are_apart_and_inside(shop):
    """No box overlaps another, and all are within the drawing."""
    layout = lay_out(shop)
    for box in layout.boxes:
        assert box.x > 0
        assert box.y > 0
        assert box.x + box.width < layout.width
        assert box.y + box.height < layout.height
    for one, other in itertools.combinations(layout.boxes, 2):
        beside = one.x + one.width < other.x or other.x + other.width < one.x
        assert beside or one.y + one.height < other.y or other.y + other.height < one.y


def test_text_is_inside_its_box():
    """Also if it is wide or very long."""
    wide = "\N{CJK UNIFIED IDEOGRAPH-65E5}" * 30
    layout = lay_out(Graph([ConnectedReceiver(wide, "a" * 500, "b." * 90, delivery="c" * 200)]))
    for box in layout.boxes:
        for line in box.lines:
            size = FONT if line.kind == "name" else SMALL
            assert text_width(line.text, size) + 2 * PADDING <= box.width


def test_each_connection_has_its_line(shop):
    """The line ends at the options of this connection, and starts at its signal."""
    layout = lay_out(shop)
    (mail,) = [each for each in layout.boxes if each.node.name == "shop.mail"]
    assert [line.text for line in mail.lines] == [
        "mail",
        "shop",
        "on_commit",
        "of 'web', on_commit",
    ]
    ends = [each.end for each in layout.edges if each.is_deferred]
    assert ends == [(mail.x, mail.middle(2)), (mail.x, mail.middle(3))]


def test_an_empty_graph_has_a_size():
    """It has its headings only."""
    layout = lay_out(Graph([]))
    assert (layout.boxes, layout.edges) == ([], [])
    assert layout.width > layout.headings[-1][0]
