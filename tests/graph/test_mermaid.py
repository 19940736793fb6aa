"""Graphs as Mermaid."""

import re

from clarion.graph import draw
from clarion.graph.model import node_id


def test_nodes_and_edges(shop):
    """A dotted edge is that of a delivery, and a label has the sender and the options."""
    lines = [line.strip() for line in draw(shop, "mermaid").splitlines()]
    paid, mail = node_id("signal", "shop.paid"), node_id("receiver", "shop.mail")
    reserve, order = node_id("receiver", "shop.reserve"), node_id("sender", "shop.Order")
    assert lines[0] == "flowchart LR"
    assert f'{paid}(["shop.paid"])' in lines
    assert f'{order}("shop.Order")' in lines
    assert f"{order} --> {paid}" in lines
    assert f'{paid} -.->|"on_commit"| {mail}' in lines
    assert f'{paid} -->|"of shop.Order, priority 5"| {reserve}' in lines


def test_hostile_names_cannot_end_a_label(hostile):
    """What Mermaid would obey is an escape, so each line has the two quotes of its label."""
    for line in draw(hostile, "mermaid").splitlines()[1:]:
        assert line.count('"') in {0, 2}
        label = re.sub(r"#\d+;", "", line.partition('"')[2].rpartition('"')[0])
        assert not re.search(r"[\"#<>&`%\\{}\x1b]", label)
