"""Signals with two receivers, for the tests of muted."""

from clarion import Signal
from tests.core.receivers import answers

opened = Signal(name="shop.opened")
closed = Signal(name="shop.closed")


def one(**kwargs):
    """Return 1."""
    return 1


def two(**kwargs):
    """Return 2."""
    return 2


def heard(signal=opened, sender=None):
    """Send, and return the responses."""
    return answers(signal.send(sender))
