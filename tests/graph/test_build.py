"""The graph of the connected receivers."""

from clarion import Signal, on_commit
from clarion.graph import Filters, build_graph, filter_graph

paid = Signal(name="tests.graph.paid")
lonely = Signal(name="tests.graph.lonely")
HERE = Filters(signal="tests.graph.")


class Order:
    """A sender."""


def mail(sender, **kwargs):
    """Send a mail."""


def test_a_graph_has_what_is_connected():
    """With the options of each receiver, and its file below the import folder."""
    with paid.connected(mail, sender=Order, delivery=on_commit, priority=2):
        (found,) = build_graph(HERE).connections
    assert (found.signal, found.receiver) == ("tests.graph.paid", f"{__name__}.mail")
    assert (found.sender, found.delivery) == (f"{__name__}.Order", "on_commit")
    assert (found.mode, found.priority, found.weak) == ("sync", 2, False)
    assert found.file == "tests/graph/test_build.py"
    assert found.line == mail.__code__.co_firstlineno


def test_signals_without_receivers_are_there_on_request():
    """They are nodes without a line."""
    assert build_graph(HERE).signals == ()
    names = [each.name for each in build_graph(HERE, every=True).signals]
    assert names == ["tests.graph.lonely", "tests.graph.paid"]


def test_filters_apply_to_any_graph(shop):
    """Also to one that was read from a file."""

    def receivers(**filters):
        return [each.receiver for each in filter_graph(shop, Filters(**filters)).connections]

    assert receivers(signal="sent") == ["shop.mail"]
    assert receivers(sender="Order") == ["shop.reserve"]
    assert receivers(receiver="mail", signal="paid") == ["shop.mail"]
    assert receivers(file="other.py") == []
    assert filter_graph(shop, Filters()).connections == shop.connections
