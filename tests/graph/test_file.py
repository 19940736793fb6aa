"""Graphs as JSON."""

import json

import pytest

from clarion.errors import ArgumentError
from clarion.graph import draw, read_graph


def test_a_graph_comes_back(shop, hostile):
    """The same connections, and the same text again."""
    for graph in (shop, hostile):
        text = draw(graph, "json")
        again = read_graph(text)
        assert again.connections == graph.connections
        assert draw(again, "json") == text


def test_nodes_have_ids_and_names(shop):
    """For programs that draw; the numbers of lines are in no id."""
    parts = json.loads(draw(shop, "json"))
    assert parts["clarion_graph"] == 1
    assert [each["name"] for each in parts["signals"]] == ["shop.paid", "shop.sent"]
    assert parts["signals"][0]["id"] == shop.signals[0].id
    assert parts["connections"][0]["line"] == 20


def changed(shop, **values):
    parts = json.loads(draw(shop, "json"))
    parts["connections"][0].update(values)
    return json.dumps(parts)


def test_another_text_is_refused(shop):
    """Damaged JSON, other JSON, a wrong type, a missing key, another version."""
    texts = ["", "[]", "1", '"x"', "{}", "\xff", changed(shop, line="9"), changed(shop, once=1)]
    texts += [draw(shop, "json").replace('"mode"', '"mood"'), "[" * 100_000]
    texts += ['{"clarion_graph": 1, "signals": [{"name": 1}], "connections": []}']
    for text in texts:
        with pytest.raises(ArgumentError, match="is no graph of Clarion"):
            read_graph(text)
    with pytest.raises(ArgumentError, match="is of another version"):
        read_graph(draw(shop, "json").replace('"clarion_graph": 1', '"clarion_graph": 2'))
    with pytest.raises(ArgumentError, match="is of another version"):
        read_graph('{"clarion_graph": 2, "edges": []}')
