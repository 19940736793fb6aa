"""The picture on the page about graphs."""

from clarion.graph import ConnectedReceiver, Graph, draw
from tests.house.tree import ROOT

CONNECTIONS = [
    ConnectedReceiver(
        "shop.order_paid", "shop.receivers.reserve", "shop.receivers.Order", priority=5
    ),
    ConnectedReceiver("shop.order_paid", "shop.receivers.mail", delivery="on_commit"),
]


def test_the_picture_is_that_of_the_example():
    """`clarion graph` would draw it so."""
    picture = ROOT / "docs" / "how-to" / "draw-who-listens.svg"
    assert picture.read_text() == draw(Graph(CONNECTIONS), "svg")
