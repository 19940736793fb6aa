"""Compare a value with the one that encoding and decoding gives back."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from clarion._core.names import value_name
from clarion.envelope.plain import Problem

_IDENTITY: Any = object.__eq__


def difference(value: Any, decoded: Any, path: str) -> Problem | None:
    """Return the first part of a value that came back changed, or None.

    Two values are the same if they have the same type, and the same members or an equal value.
    An integer may come back as a float, because an annotation `float` accepts integers.
    """
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is not type(decoded):
        return _difference_of_types(value, decoded, path)
    if kind in {list, tuple}:
        return _first(zip(value, decoded, strict=False), path, len(value) - len(decoded))
    if kind is dict:
        return _difference_of_dicts(value, decoded, path)
    if (names := _attributes(value)) is not None:
        pairs = ((getattr(value, name), getattr(decoded, name)) for name in names)
        return _first(pairs, path, 0, names)
    # A class of the program may define no equality.
    if kind.__eq__ is _IDENTITY or value == decoded:
        return None
    return Problem(path, f"is {value_name(value)}, which would come back with another value")


def _difference_of_types(value: Any, decoded: Any, path: str) -> Problem | None:
    if type(value) is int and type(decoded) is float and value == decoded:
        return None
    return Problem(path, f"is {value_name(value)}, which would come back as {value_name(decoded)}")


def _first(pairs: Any, path: str, longer: int, names: Any = None) -> Problem | None:
    if longer:
        return Problem(path, "would come back with another length")
    for index, (before, after) in enumerate(pairs):
        place = f"[{index}]" if names is None else f".{names[index]}"
        if (problem := difference(before, after, f"{path}{place}")) is not None:
            return problem
    return None


def _difference_of_dicts(value: Any, decoded: Any, path: str) -> Problem | None:
    if len(value) != len(decoded):
        return Problem(path, "would come back with other keys")
    for (key, member), (key_again, member_again) in zip(
        value.items(), decoded.items(), strict=True
    ):
        if type(key) is not type(key_again) or key != key_again:
            return Problem(
                path, f"has a key that is {value_name(key)}, which would come back as another"
            )
        # Not the key, which may be a secret.
        if (problem := difference(member, member_again, f"{path}[...]")) is not None:
            return problem
    return None


def _attributes(value: Any) -> list[str] | None:
    """Return the names of the fields of a record; None for other values."""
    if is_dataclass(value):
        return [field.name for field in fields(value)]
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if (names := getattr(kind, "__struct_fields__", None)) is not None:  # msgspec
        return list(names)
    attributes = getattr(kind, "__attrs_attrs__", None)
    return None if attributes is None else [attribute.name for attribute in attributes]
