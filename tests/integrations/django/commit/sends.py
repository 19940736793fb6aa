"""Sends, blocks and counts for the tests of the commit."""

from contextlib import contextmanager, suppress
from typing import Any

from django.db import transaction

from clarion import Signal
from clarion.introspect import registrations
from tests.integrations.django.library.models import Author

order_paid = Signal(name="order_paid")


class Undo(Exception):  # noqa: N818
    """Rolls a block back."""


@contextmanager
def undone(using=None):
    """Open a block that is rolled back at its end."""
    with suppress(Undo), transaction.atomic(using):
        yield
        raise Undo


def counts(signal, function):
    """Return the counts of a receiver that are not zero."""
    [registration] = [each for each in registrations(signal) if each.live() is function]
    delivery: Any = registration.delivery
    return {what: count for what, count in delivery.counts.items() if count}


def create(name, using="default"):
    """Save an author."""
    return Author.objects.using(using).create(name=name)


def pay(author, *nths):
    """Send order_paid for an author, once for each number."""
    for nth in nths:
        [*_, (_, scheduled)] = order_paid.send(None, instance=author, nth=nth)
    return scheduled


class Router:
    """Writes to the other database."""

    def db_for_write(self, model, **hints):
        """Return its alias."""
        return "other"


ROUTER = f"{__name__}.{Router.__name__}"
