"""The protocol of deliveries, and now, which is none."""

import pytest

from clarion import Signal, delivery, receiver
from clarion.commit import atomic
from clarion.delivery import now
from clarion.introspect import registrations
from tests.core.deliveries import Later


def take(**kwargs):
    """Take."""
    return "taken"


def test_now_is_as_without_any():
    """The send calls the receiver on the fast path."""
    signal = Signal()
    signal.connect(take, delivery=now)
    assert signal.send(None) == [(take, "taken")]
    (registration,) = registrations(signal)
    assert registration.delivery is None
    assert registration.is_simple
    with atomic():
        assert signal.send(None) == [(take, "taken")]


def test_now_says_what_it_is():
    """As it is written."""
    assert repr(now) == "now"
    assert now.bind(take, Signal()) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("method", ["send", "send_robust"])
def test_any_object_of_the_protocol_will_do(method):
    """The core knows none of them: what it returns is the answer."""
    signal, later = Signal(), Later()

    @receiver(signal, delivery=later)
    def hear(**kwargs):
        """Receive."""

    assert getattr(signal, method)("web", n=1) == [(hear, "kept")]
    assert later.kept == [(hear, {"signal": signal, "sender": "web", "n": 1})]


def test_its_names_are_sorted():
    """And there."""
    assert delivery.__all__ == sorted(delivery.__all__)
