"""Equality for assertions, including values whose `==` returns no bool.

`==` of arrays and tables compares each element. They may be in lists, dictionaries, dataclasses, and objects of
attrs, msgspec and pydantic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import Any, cast

_TEXT = (str, bytes, bytearray)
_OF_CONTAINERS: list[Any] = [*map(attrgetter("__eq__"), (list, tuple, dict))]


def are_equal(wanted: Any, value: Any) -> bool:
    """Return whether two values are equal.

    A NaN equals a NaN, as in `numpy.testing` and `pandas.testing`. If the comparison raises, the
    values are not equal.

    Args:
        wanted: the value that is asserted; its `__eq__` is called.
        value: the value that was sent.
    """
    try:
        return wanted is value or _are_equal(wanted, value)
    except Exception:  # noqa: BLE001  # a comparison of user code
        return False


def _are_equal(wanted: Any, value: Any) -> bool:
    if is_array(wanted) or is_array(value):
        return _are_arrays_equal(wanted, value)
    # A subclass of a container may define its own `==`.
    if type(wanted).__eq__ is type(value).__eq__ and type(wanted).__eq__ in _OF_CONTAINERS:
        return _are_contents_equal(wanted, value)
    try:
        is_nan = wanted != wanted and value != value  # noqa: PLR0124
        return bool(wanted == value or is_nan)
    except Exception:  # noqa: BLE001  # such as a deque of arrays
        return type(wanted) is type(value) and _are_contents_equal(wanted, value)


def is_array(value: Any) -> bool:
    """Return whether a value is an array or a table, which has a shape."""
    # Look at the class, because a mock has every attribute. Other objects have a shape, too.
    kind = cast("Any", type(value))
    is_compared = hasattr(kind, "all") or hasattr(kind, "equals")
    return hasattr(kind, "shape") and is_compared and bool(value.shape != ())


def _are_arrays_equal(wanted: Any, value: Any) -> bool:
    if not (is_array(wanted) and is_array(value)):
        return _is_list_equal(wanted, value)
    if wanted.shape != value.shape:
        return False  # `==` would compare a small array with each part of a large one
    if callable(equals := getattr(wanted, "equals", None)):
        return bool(equals(value))  # pandas and others: `equals` compares missing values, too
    try:
        equal = wanted == value
        both_nan = (wanted != wanted) & (value != value)  # noqa: PLR0124
        return bool((equal | both_nan).all())
    except Exception:  # noqa: BLE001  # an array of arrays
        return are_equal(wanted.tolist(), value.tolist())


def _is_list_equal(wanted: Any, value: Any) -> bool:
    """Return whether an array equals an object that is no array, such as a list."""
    for one, array in ((wanted, value), (value, wanted)):
        if type(one) in {list, tuple}:
            return are_equal(list(one), array.tolist())
    equal = wanted == value  # for example with `mock.ANY`
    return not is_array(equal) and bool(equal)  # an array is equal to no single value


def _are_contents_equal(wanted: Any, value: Any) -> bool:
    """Return whether two objects of one kind have equal contents."""
    contents, its_contents = _contents(wanted), _contents(value)
    if contents is None or its_contents is None or contents.keys() != its_contents.keys():
        return False
    return all(are_equal(content, its_contents[key]) for key, content in contents.items())


def _contents(container: Any) -> dict[Any, Any] | None:
    """Return the contents of a mapping, a sequence or an object with fields; None for another object."""
    if isinstance(container, Mapping):
        mapping: Mapping[Any, Any] = container  # pyright: ignore[reportUnknownVariableType]
        return dict(mapping)
    if isinstance(container, Sequence) and not isinstance(container, _TEXT):
        sequence: Sequence[Any] = container  # pyright: ignore[reportUnknownVariableType]
        return dict(enumerate(sequence))
    names = _field_names(type(container))
    return None if names is None else {name: getattr(container, name) for name in names}


def _field_names(kind: Any) -> list[str] | None:
    """Return the names of the fields that `==` compares; None if the class has no fields."""
    if is_dataclass(kind):
        return [each.name for each in fields(kind) if each.compare]
    if hasattr(kind, "__attrs_attrs__"):
        return [each.name for each in kind.__attrs_attrs__ if each.eq]
    for attribute in ("__struct_fields__", "__pydantic_fields__"):  # of msgspec and pydantic
        if hasattr(kind, attribute):
            return list(getattr(kind, attribute))
    return None
