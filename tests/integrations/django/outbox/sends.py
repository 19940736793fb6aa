"""Sends that are stored, and what is stored."""

from django.db import connections

from clarion import Signal
from clarion.envelope import seal
from clarion.outbox import store
from clarion.outbox.delivery_row import Target
from tests.integrations.django.library.models import Author

order_paid = Signal(name="shop.order_paid")


def envelope(**keywords):
    """Return one send, written down."""
    return seal(order_paid, {"sender": None, "signal": order_paid, **keywords})


def publish(connection, *targets, **keywords):
    """Store one send in the open transaction, and return its envelope."""
    written = envelope(**keywords)
    store.publish(connection, written, targets or [Target("mail")])
    return written


def count(alias, table="delivery"):
    """Return how many rows a table of the outbox has."""
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM clarion_{table}")  # noqa: S608
        return cursor.fetchone()[0]


def authors(alias):
    """Return how many authors there are."""
    return Author.objects.using(alias).count()
