"""Graphs as SVG."""

from xml.etree import ElementTree as ET

from clarion.graph import Graph, draw

SVG = "{http://www.w3.org/2000/svg}"


def parsed(graph):
    return ET.fromstring(draw(graph, "svg"))  # noqa: S314  # our own text


def test_each_node_is_a_box_with_its_whole_name(shop):
    """With the id of the node, so that a page can link to it."""
    root = parsed(shop)
    boxes = {group.get("id"): group.findtext(f"{SVG}title") for group in root.iter(f"{SVG}g")}
    nodes = (*shop.senders, *shop.signals, *shop.receivers)
    assert boxes == {each.id: each.name for each in nodes}
    paths = list(root.iter(f"{SVG}path"))
    assert len(paths) == len(shop.links) + len(shop.connections)
    assert len([each for each in paths if each.get("class") == "deferred"]) == 2


def test_a_screen_reader_reads_each_connection(shop):
    """The drawing has a title and a description in words."""
    root = parsed(shop)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Signals and their receivers"
    said = root.findtext(f"{SVG}desc")
    assert "shop.paid of shop.Order calls shop.reserve (priority 5)." in said
    assert parsed(Graph([])).findtext(f"{SVG}desc") == "No receiver is connected."


def test_hostile_names_are_text(hostile):
    """Nothing of a name becomes an element or an attribute."""
    root = parsed(hostile)
    kinds = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert kinds == {"svg", "title", "desc", "style", "text", "path", "g", "rect"}
    assert "\x1b" not in draw(hostile, "svg")


def test_there_are_two_colour_schemes(shop):
    """For light and for dark pages."""
    assert "prefers-color-scheme: dark" in parsed(shop).findtext(f"{SVG}style")
