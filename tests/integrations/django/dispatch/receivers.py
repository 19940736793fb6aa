"""Senders and receivers of the tests of Django's dispatcher; each returns its own name."""

from typing import Any


class Sender:
    """A sender."""


class Listener:
    """An object with a method that is a receiver."""

    def receive(self, **kwargs: Any) -> str:
        """Return the kind of the receiver."""
        return "method"


def first(**kwargs: Any) -> str:
    """Return the name of the receiver."""
    return "first"


def second(**kwargs: Any) -> str:
    """Return the name of the receiver."""
    return "second"


async def third(**kwargs: Any) -> str:
    """Return the name of the receiver."""
    return "third"
