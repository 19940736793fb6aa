"""Graphs for the tests."""

import pytest

from clarion.graph import ConnectedReceiver, Graph

# Characters that Mermaid, DOT, SVG, Markdown or a terminal would obey.
HOSTILE = '"]; <b>&amp; \\N {x} %%{init} #1; `y` | \x1b end \N{CJK UNIFIED IDEOGRAPH-65E5}'


@pytest.fixture
def shop():
    """Return a graph of two signals and three receivers."""
    return Graph(
        [
            ConnectedReceiver(
                "shop.sent", "shop.mail", "'web'", "shop.py", 9, delivery="on_commit"
            ),
            ConnectedReceiver("shop.paid", "shop.mail", None, "shop.py", 9, delivery="on_commit"),
            ConnectedReceiver("shop.paid", "shop.reserve", "shop.Order", "shop.py", 3, priority=5),
            ConnectedReceiver("shop.paid", "shop.index", None, "shop.py", 20, mode="async"),
        ]
    )


@pytest.fixture
def hostile():
    """Return a graph whose names and options are hostile."""
    return Graph([ConnectedReceiver(f"s.{HOSTILE}", HOSTILE, HOSTILE, delivery=HOSTILE)])
