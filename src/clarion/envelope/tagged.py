"""JSON with the name of the type beside each value that JSON cannot express.

    {1, 2}            {"set": [1, 2]}
    Decimal("9.90")   {"decimal": "9.90"}
    ["a", {"b": 1}]   {"list": ["a", {"dict": [["b", 1]]}]}

The signals of a framework are stored like this, because their keywords have no annotations that a
decoder could use. Each JSON object is a tag, so no dictionary of the program can look like one.

A member of an enumeration that a column has comes back as this member. Another value of a subclass of
text or of a number, such as a member of `IntEnum`, comes back as its base class, as from the
database. Each other value comes back equal and of the same type, or is refused.
"""

from __future__ import annotations

import base64
import datetime as dt
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from clarion._core.names import quoted_name, value_name
from clarion.changes import Changes
from clarion.envelope.conversions import conversion_of, conversions
from clarion.envelope.plain import Problem, find_problem
from clarion.envelope.receiver_names import type_name
from clarion.envelope.references import (
    dump_class,
    dump_object,
    enumeration_classes,
    kind_owning,
    kind_owning_class,
    load_class,
    load_object,
)
from clarion.errors import DecodingError

if TYPE_CHECKING:
    from collections.abc import Callable

    Tag = tuple[str, Callable[[Any], Any], Callable[[Any], Any]]


class UnstorableError(ValueError):
    """A value that would not come back as it is.

    Attributes:
        problem: where it is, and why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.path} {problem.reason}")
        self.problem = problem


def _to_seconds(value: dt.timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _to_base64(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode()


# Values without parts: the tag, to JSON, and from JSON.
_ATOMS: dict[type, Tag] = {
    Decimal: ("decimal", str, Decimal),
    float: ("float", repr, float),  # infinite, or not a number
    UUID: ("uuid", str, UUID),
    dt.datetime: ("datetime", dt.datetime.isoformat, dt.datetime.fromisoformat),
    dt.date: ("date", dt.date.isoformat, dt.date.fromisoformat),
    dt.time: ("time", dt.time.isoformat, dt.time.fromisoformat),
    dt.timedelta: ("timedelta", _to_seconds, lambda parts: dt.timedelta(*parts)),
    bytes: ("bytes", _to_base64, base64.b64decode),
    bytearray: ("bytearray", _to_base64, lambda text: bytearray(base64.b64decode(text))),
}

# Values with parts, which are encoded in turn.
_LISTS: dict[type, str] = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset"}


def _to_datetime(value: Any) -> dt.datetime:
    day, time = dt.date(value.year, value.month, value.day), _to_time(value)
    return dt.datetime.combine(day, time.replace(tzinfo=value.tzinfo))


def _to_time(value: Any) -> dt.time:
    parts = value.hour, value.minute, value.second, value.microsecond
    return dt.time(*parts, tzinfo=value.tzinfo, fold=value.fold)


# A subclass of these is stored as the base class, which these functions return.
_BASES: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    Decimal: Decimal,
    UUID: lambda value: UUID(int=value.int),
    dt.datetime: _to_datetime,
    dt.date: lambda value: dt.date(value.year, value.month, value.day),
    dt.time: _to_time,
}


def encode(value: Any, path: str) -> Any:
    """Return a value as JSON with tags.

    Args:
        value: the value.
        path: its name in an error.

    Raises:
        UnstorableError: if it, or a part of it, would not come back.
    """
    try:
        return _encode(value, path)
    except RecursionError:
        raise UnstorableError(Problem(path, "is nested too deeply, or contains itself")) from None


def _encode(value: Any, path: str) -> Any:
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind in {str, int, bool, type(None)} or (kind is float and isfinite(value)):
        if (problem := find_problem(value, path)) is not None:
            raise UnstorableError(problem)
        return value
    if kind in _ATOMS:
        tag, to_json, _ = _ATOMS[kind]
        return {tag: to_json(value)}
    if kind in _LISTS:
        return {_LISTS[kind]: [_encode(each, f"{path}[...]") for each in value]}
    if kind is dict:
        return {"dict": _encode_pairs(cast("dict[Any, Any]", value), path)}
    if kind is Changes:
        return {"changes": _encode_changes(value, path)}
    return _encode_object(value, kind, path)


def _encode_object(value: Any, kind: Any, path: str) -> Any:
    if (conversion := conversion_of(kind)) is not None:
        data = conversion.to_json(value)
        if conversion.kind is kind or type(conversion.from_json(data)) is kind:
            return {"type": [type_name(conversion.kind), _encode(data, path)]}
    try:
        if kind_owning(value) is not None:
            return {"object": dump_object(value, path)}
        if kind_owning_class(value) is not None:
            return {"class": dump_class(value)}
    except ValueError as error:
        raise UnstorableError(Problem(path, str(error).removeprefix(f"{path} "))) from None
    if isinstance(value, Enum) and _is_member(value, kind):
        return {"enum": [type_name(kind), value.name]}
    for base, convert in _BASES.items():
        if issubclass(kind, base) and (plain := convert(value)) == value:
            return _encode(plain, path)
    raise UnstorableError(Problem(path, f"is {value_name(value)}"))


def _is_member(value: Enum, kind: Any) -> bool:
    """Return whether a member of an enumeration is found by the names of both."""
    # A combination of flags is no member.
    return _enumerations_named(type_name(kind)) == [kind] and (
        kind.__members__.get(value.name) is value
    )


def _enumerations_named(name: str) -> list[Any]:
    return [each for each in enumeration_classes() if type_name(each) == name]


def _encode_pairs(pairs: dict[Any, Any], path: str) -> list[Any]:
    # The path has no key, which may be a secret.
    return [
        [_encode(key, f"a key of {path}"), _encode(member, f"{path}[...]")]
        for key, member in pairs.items()
    ]


def _encode_changes(changes: Changes, path: str) -> dict[str, Any]:
    values = {
        name: [_encode(each, f"{path}[{name!r}]") for each in change]
        for name, change in changes.items()
    }
    unsure = {"pending": sorted(changes.pending), "unknown": sorted(changes.unknown)}
    return {"values": values, **{name: names for name, names in unsure.items() if names}}


def decode(data: Any, session: Any) -> Any:
    """Return the value that `encode` was given.

    Args:
        data: what `encode` returned.
        session: the session or connection in which objects are loaded, or None.

    Raises:
        DecodingError: if it is damaged, or this program does not know a type.
        GoneError: if an object that it refers to is gone.
    """
    if type(data) is not dict:
        return data
    try:
        [(tag, parts)] = cast("dict[str, Any]", data).items()
        return _DECODERS[tag](parts, session)
    except DecodingError:
        raise
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        raise DecodingError(
            "A stored value is damaged, or was stored by a newer Clarion. Upgrade the worker, or "
            "discard the delivery."
        ) from None


def _decode_changes(parts: Any, session: Any) -> Changes:
    values = {
        name: (decode(old, session), decode(new, session))
        for name, (old, new) in parts["values"].items()
    }
    return Changes(values, parts.get("pending", ()), parts.get("unknown", ()))


def _decode_type(parts: Any, session: Any) -> Any:
    name, data = parts
    for kind, conversion in list(conversions.items()):
        if type_name(kind) == name:
            return conversion.from_json(decode(data, session))
    raise DecodingError(
        "A stored value is of a class that this program does not know. Register the class with "
        "clarion.envelope.register_type in the worker, as the sender does."
    )


def _decode_member(parts: Any, _: Any) -> Any:
    name, member = parts
    found = _enumerations_named(name)
    if len(found) != 1:
        raise DecodingError(
            f"A stored value is a member of {quoted_name(name)}, which no column of this program has. "
            f"Import the models in the worker, as the sender does."
        )
    return found[0][member]


def _decoder_of_list(kind: Any) -> Callable[[Any, Any], Any]:
    return lambda parts, session: kind([decode(each, session) for each in parts])


def _decoder_of_atom(from_json: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda parts, _: from_json(parts)


_DECODERS: dict[str, Callable[[Any, Any], Any]] = {
    **{tag: _decoder_of_atom(from_json) for tag, _, from_json in _ATOMS.values()},
    **{tag: _decoder_of_list(kind) for kind, tag in _LISTS.items()},
    "dict": lambda parts, session: {
        decode(key, session): decode(member, session) for key, member in parts
    },
    "changes": _decode_changes,
    "type": _decode_type,
    "enum": _decode_member,
    "object": load_object,
    "class": lambda parts, _: load_class(parts),
}
