"""The protocol of deliveries, and `now`, which calls at once."""

import pytest

from clarion import Signal, delivery, receiver
from clarion.commit import atomic
from clarion.delivery import now
from clarion.introspect import registrations
from tests.core.deliveries import Later


def take(**kwargs):
    """Do nothing."""
    return "taken"


def test_now_is_as_without_any():
    """With `now` the send calls the receiver on the fast path."""
    signal = Signal()
    signal.connect(take, delivery=now)
    assert signal.send(None) == [(take, "taken")]
    (registration,) = registrations(signal)
    assert registration.delivery is None
    assert registration.is_simple
    with atomic():
        assert signal.send(None) == [(take, "taken")]


def test_repr_of_now():
    """The repr of `now` is its name."""
    assert repr(now) == "now"
    assert now.bind(take, Signal()) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("method", ["send", "send_robust"])
def test_any_object_of_the_protocol_is_a_delivery(method):
    """Any object with the methods of the protocol is a delivery."""
    signal, later = Signal(), Later()

    @receiver(signal, delivery=later)
    def receive(**kwargs):
        """Do nothing."""

    assert getattr(signal, method)("web", n=1) == [(receive, "kept")]
    assert later.kept == [(receive, {"signal": signal, "sender": "web", "n": 1})]


def test_exported_names_are_sorted():
    """The names in `__all__` are sorted."""
    assert delivery.__all__ == sorted(delivery.__all__)
