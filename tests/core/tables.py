"""Helpers of the table tests: classes that send, and a function that registers."""

from typing import Any

from clarion._core.registration import Registration, sender_key
from clarion._core.table import Table
from tests.core.receivers import answering


class Base:
    """A class with subclasses."""


class Other:
    """Another class with a subclass."""


class Derived(Base):
    """A subclass."""


class Both(Derived, Other):
    """A subclass of two classes."""


def register(
    table: Table, receiver: Any = None, sender: object = None, **options: Any
) -> Registration:
    """Add a receiver for a sender, as Signal.connect does."""
    registration = Registration().fill(
        receiver or answering(None),
        None if sender is None else sender_key(sender),
        finalizer=table.finalizer,
        **options,
    )
    table.add(registration, sender)
    return registration
