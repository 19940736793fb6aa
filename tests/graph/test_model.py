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


def test_the_programs_own_come_first():
    """Signals, senders and receivers of Django follow those of the program."""
    graph = Graph(
        [
            ConnectedReceiver("django.saved", "django.update", "django.User"),
            ConnectedReceiver("django.ended", "django.close"),
            ConnectedReceiver("django.saved", "shop.index", "shop.Order"),
            ConnectedReceiver("shop.paid", "shop.mail", "shop.Order"),
        ]
    )
    assert [each.receiver for each in graph.connections] == [
        "shop.mail",
        "django.close",
        "shop.index",
        "django.update",
    ]
    assert [each.name for each in graph.signals] == ["shop.paid", "django.saved", "django.ended"]
    assert [each.name for each in graph.senders] == ["any sender", "shop.Order", "django.User"]
    assert [each.name for each in graph.receivers] == [
        "shop.index",
        "shop.mail",
        "django.close",
        "django.update",
    ]
    assert graph.links == [
        ("any sender", "django.ended"),
        ("shop.Order", "shop.paid"),
        ("shop.Order", "django.saved"),
        ("django.User", "django.saved"),
    ]


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
