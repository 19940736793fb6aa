"""Conversions to JSON and back, for classes that no codec knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from clarion.envelope.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable


class Conversion(NamedTuple):
    """How the values of a class become JSON, and come back.

    Attributes:
        kind: the class.
        to_json: returns a value as JSON, or as something that the codec knows.
        from_json: returns the value from that JSON.
    """

    kind: type
    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]


conversions: Registry[type, Conversion] = Registry()


def conversion_of(kind: type) -> Conversion | None:
    """Return what is registered for a class, or for the nearest of its bases; None if nothing is.

    A class such as `pathlib.Path` returns objects of a subclass.
    """
    return next((conversions[base] for base in kind.__mro__ if base in conversions), None)


def register_type(
    kind: type, *, to_json: Callable[[Any], Any], from_json: Callable[[Any], Any]
) -> None:
    """Let the payloads of declared signals and of model signals contain the values of a class.

    Call it before receivers are connected, in the sender's program and in the worker's.
    Dataclasses, classes of attrs, `msgspec.Struct`, `TypedDict`, `datetime`, `Decimal`, `UUID`,
    enumerations, bytes and models of pydantic need no registration for declared signals. These
    signals do not use a conversion of such a class, except of a model.

    Args:
        kind: the class.
        to_json: returns a value as JSON.
        from_json: returns the value from that JSON.
    """
    conversions[kind] = Conversion(kind, to_json, from_json)
