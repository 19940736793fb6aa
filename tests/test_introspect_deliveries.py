"""`explain` for receivers with a delivery."""

import inspect
from collections import deque
from typing import Any

from clarion import Signal, on_commit
from clarion.commit import atomic, providers
from clarion.introspect import (
    explain,
    registrations,
)
from clarion.testing import muted
from tests.core.deliveries import Later

opened = Signal(name="shop.opened")


def one(**kwargs):
    """Hear."""


def two(**kwargs):
    """Hear."""


async def later(**kwargs):
    """Hear, awaited."""


def here(function):
    """Return where a receiver is written, as an explanation shows it."""
    return f"{__name__}.{function.__qualname__} ({__file__}:{inspect.getsourcelines(function)[1]})"


class TestDeliveries:
    """What is told of receivers that run in their own time."""

    def test_a_registration_tells_its_delivery(self):
        """None, if a send calls it."""
        later = Later()
        opened.connect(one, delivery=later)
        opened.connect(two)
        assert [each.delivery for each in registrations(opened)] == [later, None]

    def test_it_says_when_they_run(self):
        """As the delivery puts it, which is told the keywords."""
        opened.connect(one, delivery=Later())
        opened.connect(two)
        first, second = explain(opened, "web", order_id=1).heard
        assert (first.when, second.when) == ("some day, with order_id, sender", "")
        assert str(first) == f"{here(one)}: listens to any sender; runs {first.when}"
        assert str(second) == f"{here(two)}: listens to any sender"

    def test_of_those_that_would_not_hear_nothing_is_asked(self):
        """Muted, spent, or of another sender."""
        opened.connect(one, delivery=Later(), sender="phone")
        opened.connect(two, delivery=Later())
        with muted(two):
            explained = explain(opened, "web")
        assert explained.heard == ()
        assert [verdict.when for verdict in explained.unheard] == ["", ""]

    def test_after_a_commit(self, monkeypatch):
        """Which transaction, and why that one, with the keywords that tell."""
        monkeypatch.setattr(providers, "_FRAMEWORKS", {})
        monkeypatch.setattr(providers, "_providers", [])
        monkeypatch.setattr(providers, "_new", deque())
        opened.connect(one, delivery=on_commit)
        assert explain(opened).heard[0].when == (
            "at once, because no transaction is open: "
            "the send names no transaction, and none is open in this context"
        )
        with atomic(using="orders"), atomic(using="stock"):
            told = [explain(opened, using=using).heard[0].when for using in ("orders", None)]
        assert told == [
            "after the commit of an atomic() block: it was sent using='orders'",
            "after the commit of an atomic() block: it is the innermost in this context",
        ]

    def test_nothing_is_scheduled(self, monkeypatch):
        """Explaining is no send."""
        monkeypatch.setattr(providers, "_FRAMEWORKS", {})
        monkeypatch.setattr(providers, "_providers", [])
        monkeypatch.setattr(providers, "_new", deque())
        opened.connect(one, delivery=on_commit(coalesce="order_id"))
        with atomic():
            explain(opened, order_id=1)
        delivery: Any = registrations(opened)[0].delivery
        assert set(delivery.counts.values()) == {0}
