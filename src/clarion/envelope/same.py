"""Compare a value with the one that encoding and decoding gives back."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from clarion._core.names import value_name
from clarion.envelope.plain import SCALARS, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

_IDENTITY: Any = object.__eq__
_DIMENSIONS = 2  # of a table of pandas; an array of numpy has one
_MISSING: Any = object()  # an attribute that was never set


def difference(value: Any, decoded: Any, path: str) -> Problem | None:
    """Return the first part of a value that came back changed, or None.

    Two values are the same if they have the same type, and the same members or an equal value.
    An integer may come back as a float, because an annotation `float` accepts integers. A time in a
    time zone may come back with the offset of the zone.

    Raises:
        RecursionError: if they are nested too deeply.
    """
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is not type(decoded):
        return _difference_of_types(value, decoded, path)
    if kind in SCALARS and value == decoded:
        return None
    if (compare := _COLLECTIONS.get(kind)) is not None:
        return compare(value, decoded, path)
    if (names := _attributes(value)) is not None:
        pairs = (
            (getattr(value, name, _MISSING), getattr(decoded, name, _MISSING)) for name in names
        )
        return _first(pairs, path, 0, names)
    # A class of the program may define no equality.
    if kind.__eq__ is _IDENTITY or _is_equal(value, decoded):
        return None
    return Problem(path, f"is {value_name(value)}, which would come back with another value")


def _is_equal(value: Any, decoded: Any) -> bool:
    if isinstance(value, dt.datetime):
        # Python compares no time that a zone has twice or never, as at the end of summer time.
        return value.utcoffset() == decoded.utcoffset() and _wall(value) == _wall(decoded)
    if isinstance(value, dt.time) and (value.tzinfo is None) is not (decoded.tzinfo is None):
        return False
    try:
        found = value == decoded
        for _ in range(_DIMENSIONS):  # an array compares item by item
            found = found if isinstance(found, bool) or not hasattr(found, "all") else found.all()
        return bool(found)
    except Exception:  # noqa: BLE001  # a signaling NaN of decimal, or a class of the program
        return False


def _wall(value: dt.datetime) -> dt.datetime:
    return value.replace(tzinfo=None, fold=0)


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


def _difference_of_lists(value: Any, decoded: Any, path: str) -> Problem | None:
    return _first(zip(value, decoded, strict=False), path, len(value) - len(decoded))


def _difference_of_dicts(value: Any, decoded: Any, path: str) -> Problem | None:
    if len(value) != len(decoded):
        return Problem(path, "would come back with other keys")
    for (key, member), (key_again, member_again) in zip(
        value.items(), decoded.items(), strict=True
    ):
        if type(key) is not type(key_again) or difference(key, key_again, path) is not None:
            return Problem(
                path, f"has a key that is {value_name(key)}, which would come back as another"
            )
        # Not the key, which may be a secret.
        if (problem := difference(member, member_again, f"{path}[...]")) is not None:
            return problem
    return None


def _difference_of_sets(value: Any, decoded: Any, path: str) -> Problem | None:
    # A member of an enumeration may be equal to the text or the number that comes back.
    found = {each: each for each in decoded}
    if len(value) != len(found) or not all(each in found for each in value):
        return Problem(path, f"is {value_name(value)}, which would come back with other members")
    problems = (difference(each, found[each], f"{path}[...]") for each in value)
    return next(filter(None, problems), None)


_COLLECTIONS: dict[type, Callable[[Any, Any, str], Problem | None]] = {
    list: _difference_of_lists,
    tuple: _difference_of_lists,
    dict: _difference_of_dicts,
    set: _difference_of_sets,
    frozenset: _difference_of_sets,
}


def _attributes(value: Any) -> list[str] | None:
    """Return the names of the fields of a record; None for other values."""
    if is_dataclass(value):
        return [field.name for field in fields(value)]
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if tuple in kind.__mro__:
        names: Any = getattr(kind, "_fields", None)  # of a named tuple
        return None if names is None else list(names)
    if (names := getattr(kind, "__struct_fields__", None)) is not None:  # msgspec
        return list(names)
    attributes = getattr(kind, "__attrs_attrs__", None)
    return None if attributes is None else [attribute.name for attribute in attributes]
