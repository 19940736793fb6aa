"""Declared signals for tests."""

from typing import Any

from clarion import signal
from clarion.envelope.typed import TypedValues


def declared(annotation: Any) -> TypedValues:
    """Return the values of a signal with one keyword of this annotation."""

    @signal
    def sent(sender, *, value): ...

    sent.__wrapped__.__annotations__["value"] = annotation
    return TypedValues(sent, ("value",))
