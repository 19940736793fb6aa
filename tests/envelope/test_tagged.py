"""JSON with the names of types."""

import datetime as dt
import enum
import json
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.changes import Changes
from clarion.envelope import conversions, tagged
from clarion.envelope.conversions import register_type
from clarion.envelope.registered import registered_restored
from clarion.errors import DecodingError
from tests.envelope.kinds import Order

NOON = dt.datetime(2026, 11, 28, 12, 0, 0, 5, tzinfo=dt.UTC)


class Color(enum.IntEnum):
    """A number with a name."""

    RED = 1


class Size(str, enum.Enum):  # noqa: UP042  # as Django's TextChoices: its str() is the value
    """A text with a name."""

    BIG = "big"


class Day(dt.datetime):
    """A subclass, as of pendulum."""


class Money:
    """A value of the program."""

    def __init__(self, cents):
        self.cents = cents


class Tip(Money):
    """A value of a subclass."""


def stored(value):
    """Return a value after it was stored as text."""
    return tagged.decode(json.loads(json.dumps(tagged.encode(value, "value"))), None)


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            True,
            5,
            2.5,
            "ä",
            b"\x00\xff",
            bytearray(b"\x00\xff"),
            float("inf"),
        ),
        *(Decimal("9.90"), Decimal("-0"), UUID(int=5), NOON, NOON.replace(tzinfo=None)),
        *(NOON.date(), NOON.time(), NOON.timetz(), dt.timedelta(days=-1, microseconds=3)),
        *([], [1, [2]], (), (1, (2,)), {1, 2}, frozenset({"title"}), {(1, 2), (3, 4)}),
        *({}, {"a": 1}, {1: "a", (2,): None}, {"set": [1]}, [{"list": []}]),
        *(Changes({"price": (Decimal(1), Decimal("2.50"))}), Changes({}, ["stock"])),
        Changes({"title": (None, "b"), "tags": ([1], [1, 2])}, ["stock"], ["title"]),
    ],
)
def test_a_value_comes_back_equal_and_of_its_type(value):
    """Also one whose dictionaries look like tags."""
    again = stored(value)
    assert again == value
    assert type(again) is type(value)
    assert repr(again) == repr(value)


text = st.text(st.characters(codec="utf-8"))
leaves = (
    st.none() | st.booleans() | st.integers() | text | st.decimals(allow_nan=False) | st.uuids()
)
keys = st.integers() | text | st.uuids()


@given(
    st.recursive(
        leaves, lambda part: st.lists(part) | st.dictionaries(keys, part) | st.tuples(part)
    )
)
def test_nested_values_come_back(value):
    """Values of every type inside lists, tuples and dictionaries come back."""
    assert stored(value) == value


@pytest.mark.parametrize(
    ("value", "base"),
    [
        (Color.RED, 1),
        (Size.BIG, "big"),
        (Day(2026, 11, 28, 12, tzinfo=dt.UTC), dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)),
    ],
)
def test_a_subclass_comes_back_as_its_base(value, base):
    """As the database would return it."""
    assert stored(value) == base
    assert type(stored(value)) is type(base)


def test_a_time_of_a_zone_comes_back_as_the_same_instant():
    """The zone becomes its offset."""
    value = dt.datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert stored(value) == value


def test_a_registered_class_comes_back(monkeypatch):
    """It is found by its name among the registered classes, and not imported."""
    monkeypatch.setattr(conversions, "conversions", {})
    monkeypatch.setattr(tagged, "conversions", conversions.conversions)
    register_type(Money, to_json=lambda money: money.cents, from_json=Money)
    assert stored({"price": Money(5)})["price"].cents == 5
    encoded = tagged.encode(Money(5), "price")
    conversions.conversions.clear()
    with pytest.raises(DecodingError, match="register_type"):
        tagged.decode(encoded, None)


def test_an_object_of_a_subclass_comes_back_if_the_conversion_returns_it():
    """A path is an object of a subclass of its registered class."""
    with registered_restored():
        register_type(Path, to_json=str, from_json=Path)
        assert stored({"file": Path("a")}) == {"file": Path("a")}
        register_type(Money, to_json=lambda money: money.cents, from_json=Money)
        with pytest.raises(tagged.UnstorableError):
            tagged.encode(Tip(5), "price")


def test_objects_and_classes_are_references(records):
    """Objects of a database are loaded, and classes are found by name, at any depth."""
    order = records.rows[5] = Order(5)
    assert stored([order, (Order,)]) == [order, (Order,)]


class Plain:
    """A class that no integration knows."""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (Plain(), r"value is an object of .*Plain"),
        ([{"a": Plain()}], r"value\[\.\.\.\]\[\.\.\.\] is an object of .*Plain"),
        ({Plain(): 1}, r"a key of value is an object of .*Plain"),
        (Changes({"shelf": (None, Plain())}), r"value\['shelf'\] is an object of"),
        (Plain, r"value is tests\.envelope\.test_tagged\.Plain"),
        ("\ud800", "value is text that is not valid Unicode"),
        pytest.param(10**5000, "value is an integer with too many digits", id="digits"),
    ],
)
def test_any_other_value_is_refused(value, problem):
    """The reason names the place and the type."""
    with pytest.raises(tagged.UnstorableError, match=problem):
        tagged.encode(value, "value")


def test_an_object_without_a_key_is_refused(records):
    """The reason is that of its kind."""
    with pytest.raises(tagged.UnstorableError, match=r"value is an object of .*, which has no key"):
        tagged.encode(Order(None), "value")


def test_a_value_that_contains_itself_is_refused():
    """It would have no end."""
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(tagged.UnstorableError, match="nested too deeply"):
        tagged.encode(loop, "value")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"unknown": 1},
        {"set": [1], "list": []},
        {"set": 5},
        {"set": [{"list": []}]},
        {"decimal": "x"},
        {"changes": []},
        {"changes": {"values": {"a": [1]}}},
        {"dict": [[1]]},
        {"class": {}},
        {"type": 5},
    ],
)
def test_damaged_values_are_refused(data):
    """Values that this program cannot decode are refused."""
    with pytest.raises(DecodingError):
        tagged.decode(data, None)


class Mood(enum.Enum):
    """An enumeration whose members are no text."""

    GOOD = (1, 2)


class Flags(enum.Flag):
    """An enumeration whose members can be combined."""

    A = 1
    B = 2


def test_members_of_known_enumerations_come_back(records):
    """A kind knows the enumerations of its columns; the class is found by its name among them."""
    with pytest.raises(tagged.UnstorableError, match="Mood"):
        stored(Mood.GOOD)
    records.enumerations = lambda: [Mood, Color, Size, Flags]
    for value in (Mood.GOOD, Color.RED, Size.BIG, Flags.B, Changes({"a": (None, Mood.GOOD)})):
        found = stored(value)
        assert (type(found), found) == (type(value), value)
    assert stored(Size.BIG) is Size.BIG
    with pytest.raises(tagged.UnstorableError, match="Flags"):
        stored(Flags.A | Flags.B)
    encoded = tagged.encode(Mood.GOOD, "value")
    for known in ([], [Mood, enum.Enum("Mood", "GOOD", module=__name__)]):
        records.enumerations = lambda known=known: known
        with pytest.raises(DecodingError, match=r"member of '.*Mood', which no column"):
            tagged.decode(encoded, None)
    records.enumerations = lambda: [Mood]
    with pytest.raises(DecodingError, match="damaged"):
        tagged.decode({"enum": [encoded["enum"][0], "LOST"]}, None)
