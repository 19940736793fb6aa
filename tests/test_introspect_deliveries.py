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
    """Do nothing."""


def two(**kwargs):
    """Do nothing."""


async def later(**kwargs):
    """Do nothing, awaited."""


def located(function):
    """Return name and place of a receiver, as an explanation shows them."""
    return f"{__name__}.{function.__qualname__} ({__file__}:{inspect.getsourcelines(function)[1]})"


class TestDeliveries:
    """The explanation of receivers with a delivery."""

    def test_a_registration_has_its_delivery(self):
        """A registration has its delivery, or None if the send calls the receiver."""
        later = Later()
        opened.connect(one, delivery=later)
        opened.connect(two)
        assert [each.delivery for each in registrations(opened)] == [later, None]

    def test_it_says_when_they_run(self):
        """The delivery says when the receiver runs, for the keywords of the send."""
        opened.connect(one, delivery=Later())
        opened.connect(two)
        first, second = explain(opened, "web", order_id=1).heard
        assert (first.when, second.when) == ("some day, with order_id, sender", "")
        assert str(first) == f"{located(one)}: listens to any sender; runs {first.when}"
        assert str(second) == f"{located(two)}: listens to any sender"

    def test_other_receivers_have_no_time(self):
        """The delivery of a receiver that would not be called is not asked."""
        opened.connect(one, delivery=Later(), sender="phone")
        opened.connect(two, delivery=Later())
        with muted(two):
            explained = explain(opened, "web")
        assert explained.heard == ()
        assert [verdict.when for verdict in explained.unheard] == ["", ""]

    def test_after_a_commit(self, monkeypatch):
        """The text names the transaction and the reason, for the keywords of the send."""
        monkeypatch.setattr(providers, "FRAMEWORKS", {})
        monkeypatch.setattr(providers, "_providers", [])
        monkeypatch.setattr(providers, "_new", deque())
        opened.connect(one, delivery=on_commit)
        assert explain(opened).heard[0].when == (
            "at once, because no transaction is open: "
            "the send names no transaction, and none is open in this context"
        )
        with atomic(using="orders"), atomic(using="stock"):
            when = [explain(opened, using=using).heard[0].when for using in ("orders", None)]
        assert when == [
            "after the commit of an atomic() block: it was sent using='orders'",
            "after the commit of an atomic() block: it is the innermost in this context",
        ]

    def test_nothing_is_scheduled(self, monkeypatch):
        """explain schedules no call."""
        monkeypatch.setattr(providers, "FRAMEWORKS", {})
        monkeypatch.setattr(providers, "_providers", [])
        monkeypatch.setattr(providers, "_new", deque())
        opened.connect(one, delivery=on_commit(coalesce="order_id"))
        with atomic():
            explain(opened, order_id=1)
        delivery: Any = registrations(opened)[0].delivery
        assert set(delivery.counts.values()) == {0}
