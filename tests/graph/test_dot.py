"""Graphs in DOT."""

import re

from clarion.graph import draw
from clarion.graph.model import node_id


def test_nodes_and_edges(shop):
    """A dashed edge is that of a delivery, and a label has the sender and the options."""
    lines = [line.strip() for line in draw(shop, "dot").splitlines()]
    paid, mail = node_id("signal", "shop.paid"), node_id("receiver", "shop.mail")
    assert lines[0] == "digraph clarion {"
    assert lines[-1] == "}"
    assert f'{paid} [label="shop.paid", shape=ellipse];' in lines
    assert f"{node_id('sender', 'shop.Order')} -> {paid};" in lines
    assert f'{paid} -> {mail} [label="on_commit", style=dashed];' in lines


def test_hostile_names_cannot_end_a_label(hostile):
    """Each quote and backslash of a name is escaped, and each entity."""
    for line in draw(hostile, "dot").splitlines()[4:-1]:
        quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
        assert re.fullmatch(r"[\w\s=>\[\],;-]*", re.sub(r'"((?:[^"\\]|\\.)*)"', "", line))
        assert not any(re.search(r"(?<!\\)(?:\\\\)*\\N|\x1b|&(?!amp;)", each) for each in quoted)
