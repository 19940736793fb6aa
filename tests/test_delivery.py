"""The protocol of deliveries, and now, which is none."""

from typing import Any

import pytest

from clarion import Signal, delivery, receiver
from clarion.commit import atomic
from clarion.delivery import now
from clarion.introspect import registrations


def take(**kwargs):
    """Take."""
    return "taken"


def test_now_is_as_without_any():
    """The send calls the receiver, by the shortest road."""
    signal = Signal()
    signal.connect(take, delivery=now)
    assert signal.send(None) == [(take, "taken")]
    (registration,) = registrations(signal)
    assert registration.delivery is None
    assert registration.is_plain
    with atomic():
        assert signal.send(None) == [(take, "taken")]


def test_now_says_what_it_is():
    """As it is written."""
    assert repr(now) == "now"
    assert now.bind(take, Signal()) is None  # type: ignore[func-returns-value]


class Later:
    """A delivery of one's own, and what it is bound to: it keeps what is sent."""

    offers = ()

    def __init__(self):
        self.kept: list[Any] = []

    def bind(self, receiver, signal):
        """Return what delivers."""
        return self

    def send(self, signal, registration, receiver, /, **named):
        """Keep it."""
        self.kept.append((receiver, named))
        return "kept"

    async def asend(self, signal, registration, receiver, /, **named):
        """Keep it."""
        return self.send(signal, registration, receiver, **named)

    def awaits(self, signal, receiver, /, **named):
        """Need nothing to be awaited."""
        return False

    def explain(self, signal, /, **named):
        """Say when."""
        return "some day"


@pytest.mark.parametrize("method", ["send", "send_robust"])
def test_any_object_of_the_protocol_will_do(method):
    """The core knows none of them: what it returns is the answer."""
    signal, later = Signal(), Later()

    @receiver(signal, delivery=later)
    def hear(**kwargs):
        """Hear."""

    assert getattr(signal, method)("web", n=1) == [(hear, "kept")]
    assert later.kept == [(hear, {"signal": signal, "sender": "web", "n": 1})]


def test_its_names_are_sorted():
    """And there."""
    assert delivery.__all__ == sorted(delivery.__all__)
