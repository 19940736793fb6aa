"""Whether a decoded value is the one that was encoded."""

from dataclasses import dataclass

import attrs
import msgspec
import pytest

from clarion.envelope.same import difference


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
