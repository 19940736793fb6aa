"""Strict JSON: it accepts only values that come back unchanged.

`json.dumps` changes what it cannot express: a tuple becomes a list, an integer key becomes
text, a member of an enumeration becomes its value. Then a receiver that runs later would get
different values from a receiver that runs at once. So each value must have one of the exact types
of JSON.
"""

from __future__ import annotations

import json
import json.encoder
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from clarion._core.names import value_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

_ATOMS = frozenset({type(None), bool, int, str})

SCALARS = _ATOMS | {float}
"""The types of JSON without members. Nothing that refers to a row of a database has one of them."""


class Problem(NamedTuple):
    """The first value that strict JSON cannot express.

    Attributes:
        path: where it is, such as `items[2]["price"]`.
        reason: what it is, in a few words; never the value itself.
    """

    path: str
    reason: str


def find_problem(value: Any, path: str) -> Problem | None:
    """Return the first part of a value that JSON would change or refuse; None if it has none.

    Args:
        value: the value.
        path: the name of the value in the result.
    """
    try:
        return next(_problems(value, path), None)
    except RecursionError:
        return Problem(path, "is nested too deeply, or contains itself")


def _problems(value: Any, path: str) -> Iterator[Problem]:
    # By type(): a subclass comes back as its base class.
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind in _ATOMS:
        if kind is str and not _is_unicode(value):
            yield Problem(path, "is text that is not valid Unicode")
        elif kind is int and not _is_printable(value):
            yield Problem(path, "is an integer with too many digits")
    elif kind is float:
        if not isfinite(value):
            yield Problem(path, "is a number that JSON cannot express (infinite, or not a number)")
    elif kind is list:
        for index, item in enumerate(value):
            yield from _problems(item, f"{path}[{index}]")
    elif kind is dict:
        yield from _problems_of_members(value, path)
    else:
        yield Problem(path, f"is {value_name(value)}")


def _problems_of_members(value: dict[object, object], path: str) -> Iterator[Problem]:
    for key, member in value.items():
        if type(key) is not str:
            yield Problem(path, f"has a key that is {value_name(key)}")
        elif not _is_unicode(key):
            yield Problem(path, "has a key that is not valid Unicode")
        else:
            # Not the key, which may be a secret.
            yield from _problems(member, f"{path}[...]")


def _is_unicode(text: Any) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_printable(number: Any) -> bool:
    try:
        str(number)
    except ValueError:  # sys.set_int_max_str_digits
        return False
    return True


def _encoder() -> Callable[[object, int], Iterable[str]]:
    """Return a function that returns the parts of a value's JSON; its second argument is always 0.

    `json.JSONEncoder.encode` builds an encoder for each call.
    """
    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    parts: Any = vars(json.encoder)
    if parts["c_make_encoder"] is None:
        return lambda value, _: (encoder.encode(value),)  # a Python without this accelerator
    markers = indent = None
    sort_keys = skipkeys = allow_nan = False
    made: Callable[[object, int], Iterable[str]] = parts["c_make_encoder"](
        markers,
        encoder.default,
        parts["encode_basestring"],
        indent,
        encoder.key_separator,
        encoder.item_separator,
        sort_keys,
        skipkeys,
        allow_nan,
    )
    return made


_parts = _encoder()


def encode(value: object) -> str:
    """Return a value that has no problem, as JSON.

    Raises:
        ValueError: if it contains a number that is infinite, or not a number.
    """
    return "".join(_parts(value, 0))


def dump(value: object) -> bytes:
    """Return a value that has no problem, as JSON in UTF-8."""
    return encode(value).encode()


def dump_scalars(values: dict[str, Any], left_out: Collection[str] = frozenset()) -> bytes | None:
    """Return an object of JSON in UTF-8; None if a member is no scalar, or JSON would refuse it.

    Args:
        values: the members.
        left_out: the names of members that are left out.
    """
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if name in left_out:
            continue
        if type(value) not in SCALARS:
            return None
        kept[name] = value
    try:
        return "".join(_parts(kept, 0)).encode()
    except ValueError:  # UnicodeEncodeError is one
        return None


def dump_members(values: dict[str, Any]) -> bytes | Problem:
    """Return an object of JSON in UTF-8, or the first member that JSON would change or refuse."""
    try:
        for name, value in values.items():
            # What is wrong with a scalar, `dump` refuses too.
            if type(value) not in SCALARS and find_problem(value, name) is not None:
                break
        else:
            return dump(values)
    except ValueError:  # UnicodeEncodeError is one
        if (problem := _first_problem(values)) is None:
            raise
        return problem
    return _first_problem(values) or dump(values)  # another thread may have mended a value


def _first_problem(values: dict[str, Any]) -> Problem | None:
    found = (find_problem(value, name) for name, value in values.items())
    return next(filter(None, found), None)


_decode = json.JSONDecoder().raw_decode


def load(data: bytes) -> Any:
    """Return the value that `dump` was given.

    Raises:
        ValueError: if this is not JSON in UTF-8.
    """
    try:
        text = data.decode()
        value, end = _decode(text)
        return value if end == len(text) else json.loads(text)
    except AttributeError:  # text, if a person has changed it in SQLite
        return json.loads(data)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
