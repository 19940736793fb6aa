"""Whether a decoded value is the one that was encoded."""

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import attrs
import msgspec
import pytest

from clarion.envelope import same
from clarion.envelope.same import difference

PARIS = ZoneInfo("Europe/Paris")


@dataclass
class Line:
    """A record of the standard library."""

    data: object


class Struct(msgspec.Struct):
    """A record of msgspec."""

    data: object


@attrs.define
class Attrs:
    """A record of attrs."""

    data: object


class Foreign:
    """A class without an equality of its own."""


@pytest.mark.parametrize("record", [Line, Struct, Attrs])
def test_records_are_compared_by_their_fields(record):
    """A field that came back as another type is found."""
    assert difference(record([1]), record([1]), "v") is None
    problem = difference(record([(1,)]), record([[1]]), "v")
    assert problem is not None
    assert problem.path == "v.data[0]"


@pytest.mark.parametrize(
    ("value", "decoded", "reason"),
    [
        (True, 1, "is a bool, which would come back as an int"),
        ([1], [1, 2], "would come back with another length"),
        ({"a": 1}, {"a": 1, "b": 2}, "would come back with other keys"),
        ({1: 1}, {"1": 1}, "has a key that is an int, which would come back as another"),
        ("a", "b", "is a str, which would come back with another value"),
        (1, 2.0, "is an int, which would come back as a float"),
    ],
)
def test_the_first_difference_is_found(value, decoded, reason):
    """Types are compared exactly."""
    problem = difference(value, decoded, "v")
    assert problem is not None
    assert problem.reason == reason


@pytest.mark.parametrize(
    ("value", "decoded"), [(1, 1.0), ({1, 2}, {2, 1}), (Foreign(), Foreign()), ((), ())]
)
def test_equal_values_have_no_difference(value, decoded):
    """An integer may come back as a float, an object without equality as another."""
    assert difference(value, decoded, "v") is None


class Red(enum.StrEnum):
    """An enumeration whose member is equal to a text."""

    RED = "red"


class Point(NamedTuple):
    """A named tuple."""

    name: str
    parts: list[object]


@pytest.mark.parametrize(
    ("value", "decoded", "path"),
    [
        ({Red.RED}, {"red"}, "v[...]"),
        (frozenset({(Red.RED,)}), frozenset({("red",)}), "v[...][0]"),
        ({1}, {2}, "v"),
        ({1}, {1, 2}, "v"),
        (Point(Red.RED, []), Point("red", []), "v.name"),
        (Point("a", [(1,)]), Point("a", [[1]]), "v.parts[0]"),
        ([Point("a", [])], [("a", [])], "v[0]"),
    ],
)
def test_equal_members_of_another_type_are_found(value, decoded, path):
    """A set and a named tuple are equal to one with other types, so their members are compared."""
    problem = difference(value, decoded, "v")
    assert problem is not None
    assert problem.path == path


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=PARIS),  # twice, and this is the first one
        dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=PARIS),
        dt.datetime(2024, 3, 31, 2, 30, tzinfo=PARIS),  # never
    ],
)
def test_a_time_at_the_change_of_the_clocks_is_the_same_with_its_offset(value):
    """Python compares it with no other zone, so the offset and the clock are compared."""
    offset: Any = value.utcoffset()
    decoded = value.replace(tzinfo=dt.timezone(offset), fold=0)
    assert value != decoded
    assert difference(value, decoded, "v") is None
    assert difference({value: 1}, {decoded: 1}, "v") is None
    assert difference(value, decoded + dt.timedelta(hours=1), "v") is not None
    assert difference(value, decoded.replace(tzinfo=dt.UTC), "v") is not None


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        (dt.time(1, tzinfo=PARIS), dt.time(1)),
        (Decimal("sNaN"), Decimal("sNaN")),
        (Decimal("NaN"), Decimal("NaN")),
    ],
)
def test_a_value_that_python_cannot_compare_is_a_problem(value, decoded):
    """Its comparison may raise, or leave out what is lost."""
    problem = difference(value, decoded, "v")
    assert problem is not None
    assert problem.reason.endswith("which would come back with another value")


def test_an_attribute_that_was_never_set_is_no_difference():
    """A record may be incomplete."""
    assert difference(object.__new__(Line), object.__new__(Line), "v") is None
    assert difference(object.__new__(Line), Line(1), "v") is not None


class Compared:
    """What the comparison of an array returns: one answer for each item."""

    def __init__(self, answers):
        self.answers = answers

    def __bool__(self):
        raise ValueError("which one?")

    def all(self):
        """Return whether all answers are yes."""
        return all(self.answers)


class Array:
    """A registered class that compares item by item, as an array of numpy."""

    def __init__(self, *items):
        self.items = items

    def __eq__(self, other):
        return Compared(
            [mine == theirs for mine, theirs in zip(self.items, other.items, strict=True)]
        )

    __hash__ = None  # type: ignore[assignment]


def test_an_array_is_equal_if_all_its_items_are():
    """The comparison of arrays is an array, which is neither true nor false."""
    assert difference(Array(1, 2), Array(1, 2), "v") is None
    assert difference(Array(1, 2), Array(1, 3), "v") is not None
    assert difference(Array(1, 2), Array(1), "v") is not None


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "a", [1, ["a"]], {"a": 1}])
def test_scalars_are_compared_at_once(value, monkeypatch):
    """Most values of a send are scalars, and the search for fields takes longer than their comparison."""
    monkeypatch.setattr(same, "_attributes", None)
    assert difference(value, value, "value") is None
