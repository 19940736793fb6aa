"""Warn of senders that the program compares by value, and that a send matches by identity."""

from __future__ import annotations

from clarion._core.callers import warn_caller
from clarion._core.checks import is_collection
from clarion._core.names import value_name
from clarion.errors import SenderWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Classes match by identity, and text, bytes and integers by value, as the program expects.
_AS_EXPECTED = (type, str, bytes, int)


def warn_of_value(sender: object) -> None:
    """Warn if another object that equals the sender may be sent, which does not match it.

    Such are a `uuid.UUID`, a date, a `Decimal`, a named tuple, and a bound method, which is a new
    object at each access.
    """
    # By type(), as in `sender_key`. A proxy is compared as its object, and is another object.
    kind = type(sender)
    if issubclass(kind, _AS_EXPECTED) or not _is_compared_by_value(kind) or is_collection(sender):
        return
    warn_caller(
        f"The sender ({value_name(sender)}) matches by identity, so a send with an equal object does not "
        f"match it. Connect to text, such as str(sender), to a class, or to the object of a proxy.",
        SenderWarning,
    )


def _is_compared_by_value(kind: Any) -> bool:
    # An unhashable object can change, so a program that sends by it keeps that one object.
    if kind.__eq__ is object.__eq__ or kind.__hash__ in {object.__hash__, None}:
        return False
    # A MagicMock has every method, and is compared by identity.
    return bool(kind.__module__ != "unittest.mock")
