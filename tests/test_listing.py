"""What the commands list."""

from clarion import Signal, on_commit
from clarion.introspect import registrations
from clarion.listing import facts_of, list_signals, options_of, place_of, sender_of

order_paid = Signal(name="tests.listing.order_paid")


def mail(sender, **kwargs):
    """Send a mail."""


async def log(sender, **kwargs):
    """Write a line."""


def test_signals_are_chosen_by_name():
    """With all receivers, in the order of a send."""
    with (
        order_paid.connected(mail, sender="web", delivery=on_commit),
        order_paid.connected(log, priority=3),
    ):
        (found,) = list_signals(["listing.order"])
        assert found.name == "tests.listing.order_paid"
        assert [each.name for each in found.receivers] == [f"{__name__}.log", f"{__name__}.mail"]
    assert list_signals(["no such signal"]) == []
    assert len(list_signals()) > 1


def test_facts_of_a_receiver():
    """Its options as JSON, the unusual ones in words, and its place below the import folder."""
    with order_paid.connected(mail, sender="web", delivery=on_commit, once=True):
        (registration,) = registrations(order_paid)
        facts = facts_of(registration)
        assert (facts["sender"], facts["mode"], facts["delivery"]) == ("'web'", "sync", "on_commit")
        assert options_of(registration)[:2] == ["delivery=on_commit", "once"]
        assert sender_of(registration) == "'web'"
        assert place_of(registration).endswith(f"tests/test_listing.py:{facts['line']}")
