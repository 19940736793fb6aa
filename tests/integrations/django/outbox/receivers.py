"""Durable receivers, and what they were called with."""

from contextlib import contextmanager
from typing import Any

from clarion import Signal, durable
from clarion.errors import Reject
from tests.integrations.django.library.models import Author

order_paid = Signal(name="shop.order_paid")
order_lost = Signal(name="shop.order_lost")
calls: list[dict[str, Any]] = []


def note(sender, signal, **kwargs):
    """Note the keywords."""
    calls.append(kwargs)


def write(using, name, **kwargs):
    """Write a row, and fail if asked to."""
    Author.objects.using(using).create(name=name)
    if name == "fail":
        raise Reject("hunter2 <script>alert(1)</script> \x1b[2J")


async def awrite(using, name, **kwargs):
    """Write a row without blocking the event loop."""
    await Author.objects.using(using).acreate(name=name)
    if name == "fail":
        raise Reject("failed")


async def anote(sender, signal, **kwargs):
    """Note the keywords."""
    calls.append(kwargs)


@contextmanager
def connected(receiver, signal=order_paid, sender=None, **options):
    """Connect a durable receiver for a block."""
    calls.clear()
    signal.connect(receiver, sender=sender, delivery=durable(**options))
    try:
        yield calls
    finally:
        signal.disconnect(receiver, sender=sender)
