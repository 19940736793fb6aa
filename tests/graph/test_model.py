"""Graphs as data."""

import random
import re

from clarion.graph import ConnectedReceiver, Graph
from clarion.graph.model import node_id


def test_the_order_is_always_the_same(shop):
    """Connections and nodes are sorted, however they come."""
    mixed = list(shop.connections)
    random.Random(7).shuffle(mixed)  # noqa: S311  # no secret
    again = Graph(mixed)
    assert again.connections == shop.connections
    assert [each.name for each in shop.signals] == ["shop.paid", "shop.sent"]
    assert [each.name for each in shop.senders] == ["'web'", "any sender", "shop.Order"]
    assert [each.name for each in shop.receivers] == ["shop.index", "shop.mail", "shop.reserve"]
    assert repr(shop) == "<Graph of 2 signals, 3 receivers, 4 connections>"


def test_an_id_depends_on_kind_and_name_only():
    """It is a word for every format, also if the name cannot be encoded."""
    assert node_id("signal", "a") == node_id("signal", "a")
    assert len({node_id("signal", "a"), node_id("sender", "a"), node_id("signal", "b")}) == 3
    assert re.fullmatch(r"signal_[0-9a-f]{12}", node_id("signal", "\ud800"))


def test_links_join_senders_and_signals(shop):
    """Each pair is there once."""
    assert shop.links == [
        ("'web'", "shop.sent"),
        ("any sender", "shop.paid"),
        ("shop.Order", "shop.paid"),
    ]


def test_a_label_has_what_is_unusual():
    """The sender and the options; nothing for a plain receiver of any sender."""
    assert ConnectedReceiver("s", "r").label() == ""
    found = ConnectedReceiver(
        "s", "r", "A", mode="async", priority=2, once=True, delivery="on_commit"
    )
    assert found.label() == "of A, async, priority 2, on_commit, once"
