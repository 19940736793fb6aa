"""assert_sent with values whose `==` returns no bool: arrays and tables, real ones."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from decimal import Decimal
from unittest.mock import ANY, MagicMock

import pytest

from clarion import Signal
from clarion.errors import NotSentError
from clarion.testing import assert_sent, capture
from clarion.testing.equality import are_equal

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
NAN = float("nan")


@dataclass
class Reading:
    """A value with an array inside."""

    data: object
    at: object = field(default=None, compare=False)


@dataclass
class Box:
    """A value with a shape, which is no array."""

    shape: tuple[int, ...] = (1, 2)


def frame(*values, columns=("a", "b")):
    """Return a table with these values in each column."""
    return pd.DataFrame(dict.fromkeys(columns, values))


EQUAL = {
    "array": lambda: np.array([1, 2]),
    "matrix": lambda: np.array([[1.5, 2], [3, 4]]),
    "empty": lambda: np.array([]),
    "nan": lambda: np.array([1, NAN]),
    "number": lambda: np.float64(2.5),
    "number-nan": lambda: np.float64("nan"),
    "float-nan": lambda: float("nan"),
    "decimal-nan": lambda: Decimal("nan"),
    "no-dimension": lambda: np.array(3),
    "text": lambda: np.array(["a", "b"]),
    "objects": lambda: np.array([{"a": 1}, None, NAN], dtype=object),
    "times": lambda: np.array(["2026-01-01", "NaT"], dtype="datetime64[D]"),
    "records": lambda: np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    "frame": lambda: frame(1, 2),
    "frame-nan": lambda: frame(1, None),
    "frame-empty": frame,
    "series": lambda: pd.Series([1, NAN]),
    "series-na": lambda: pd.Series([1, None], dtype="Int64"),
    "index": lambda: pd.Index(["a", None]),
    "list": lambda: [1, np.array([1, 2]), [np.array([NAN])]],
    "tuple": lambda: (np.array([1, 2]), frame(1)),
    "dict": lambda: {"a": {"b": np.array([1, 2])}, "c": [pd.Series([1, 2])]},
    "ordered": lambda: OrderedDict(a=np.array([1, 2])),
    "deque": lambda: deque([np.array([1, 2])]),
    "dataclass": lambda: Reading(np.array([1, NAN]), at=object()),
    "box": Box,
}


@pytest.mark.parametrize("make", EQUAL.values(), ids=EQUAL)
def test_equal_values(make):
    """Two objects with equal elements match, also inside containers; so do two NaN."""
    measured = Signal(name="shop.measured")
    with capture(measured) as sent:
        measured.send(None, data=make())
    assert_sent(sent, data=make())


UNEQUAL = {
    "element": (np.array([1, 2]), np.array([1, 3])),
    "larger": (np.array([1]), np.array([1, 1])),
    "shape": (np.array([[1, 1]]), np.array([1, 1])),
    "one-element-in-a-list": ([np.array([1])], [np.array([[1]])]),
    "scalar-and-array": (1, np.array([1, 1])),
    "array-and-scalar": (np.array([1, 1]), 1),
    "none": (np.array([1, 2]), None),
    "list": ([1], np.array([1, 1])),
    "nan-and-number": (np.array([1, NAN]), np.array([1, 2])),
    "float-nan": (NAN, 1.0),
    "frame": (frame(1, 2), frame(1, 3)),
    "columns": (frame(1, 2), frame(1, 2, columns=("a", "c"))),
    "na": (pd.Series([1, None], dtype="Int64"), pd.Series([1, 2], dtype="Int64")),
    "in-list": ([1, np.array([1, 2])], [1, np.array([1, 3])]),
    "list-length": ([np.array([1])], [np.array([1]), 2]),
    "in-dict": ({"a": np.array([1, 2])}, {"a": np.array([2, 2])}),
    "dict-keys": ({"a": np.array([1, 2])}, {"b": np.array([1, 2])}),
    "in-deque": (deque([np.array([1, 2])]), deque([np.array([1, 3])])),
    "in-dataclass": (Reading(np.array([1, 2])), Reading(np.array([1, 3]))),
    "list-and-tuple": ([1], (1,)),
    "box": (Box(), Box((2, 1))),
}


@pytest.mark.parametrize("pair", UNEQUAL.values(), ids=UNEQUAL)
def test_unequal_values(pair):
    """Another element, shape, label or key does not match, and the failure can be shown."""
    measured = Signal(name="shop.measured")
    for wanted, value in (pair, pair[::-1]):
        with capture(measured) as sent:
            measured.send(None, data=value)
        with pytest.raises(NotSentError, match="but data is"):
            assert_sent(sent, data=wanted)


def test_matchers_match_arrays():
    """The `==` of the wanted value decides: mock.ANY, pytest.approx."""
    assert are_equal(ANY, np.array([1, 2]))
    assert are_equal([ANY, 1], [np.array([1, 2]), 1])
    assert are_equal(pytest.approx(np.array([1.0, 2.0])), np.array([1.0, 2.0 + 1e-9]))
    assert not are_equal(pytest.approx(np.array([1.0, 2.0])), np.array([1.0, 2.1]))


def test_list_is_equal_to_an_array_of_its_items():
    """As with the `==` of numpy, but nothing is repeated."""
    assert are_equal([1, 2], np.array([1, 2]))
    assert are_equal(np.array([[1, 2]]), [[1, 2]])


def test_own_equality_counts():
    """A subclass of a container, and a mock, compare as they define it."""

    class Any(list):  # type: ignore[type-arg]
        def __eq__(self, other):
            return True

        __hash__ = None

    assert are_equal(Any(), [np.array([1, 2])])
    assert not are_equal(MagicMock(), MagicMock())


class Hostile:
    """A value whose comparison raises."""

    def __eq__(self, other):
        raise LookupError

    __hash__ = None  # type: ignore[assignment]


def test_comparison_that_raises_finds_no_equality():
    """Also inside a container; the same object is equal to itself."""
    hostile = Hostile()
    assert not are_equal(hostile, Hostile())
    assert not are_equal([Hostile()], [Hostile()])
    assert are_equal([hostile], [hostile])


@pytest.mark.parametrize("package", ["attrs", "msgspec", "pydantic"])
def test_objects_with_fields(package):
    """Arrays are compared in the fields of objects of other packages, too."""
    library = pytest.importorskip(package)
    if package == "attrs":
        kind = library.make_class("Data", ["data", "size"])
    elif package == "msgspec":
        kind = library.defstruct("Data", ["data", "size"])
    else:
        kind = library.create_model("Data", data=object, size=int)
    made = kind(data=np.array([1, 2]), size=2)
    assert are_equal(made, kind(data=np.array([1, 2]), size=2))
    assert not are_equal(made, kind(data=np.array([1, 3]), size=2))
    assert not are_equal(made, kind(data=np.array([1, 2]), size=3))
