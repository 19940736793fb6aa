"""Strict JSON refuses what JSON would change."""

import enum
import json
from collections import OrderedDict, defaultdict, namedtuple
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.envelope import plain

Point = namedtuple("Point", "x y")  # noqa: PYI024


class Level(enum.IntEnum):
    """An enumeration whose members JSON would write as numbers."""

    HIGH = 1


class Text(str):
    """A subclass of text, which would come back as text."""

    __slots__ = ()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_values_without_a_problem_are_restored(value):
    """Values without a problem, and all values in them, are restored with their types."""
    assert plain.find_problem(value, "value") is None
    assert repr(plain.load(plain.dump(value))) == repr(value)


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ((1, 2), "value", "is a tuple"),
        ({1: 2}, "value", "has a key that is an int"),
        ({None: 2}, "value", "has a key that is None"),
        (float("nan"), "value", "is a number that JSON cannot express"),
        (float("-inf"), "value", "is a number that JSON cannot express"),
        (Level.HIGH, "value", "is an object of"),
        (Text("a"), "value", "is an object of"),
        (Point(1, 2), "value", "is an object of"),
        (OrderedDict(a=1), "value", "is an object of collections.OrderedDict"),
        (defaultdict(int), "value", "is an object of collections.defaultdict"),
        (b"bytes", "value", "is a bytes"),
        ({1}, "value", "is a set"),
        (Decimal(1), "value", "is an object of decimal.Decimal"),
        (datetime.now(UTC), "value", "is an object of datetime.datetime"),
        ([{"a": [0, object()]}], "value[0][...][1]", "is an object"),
        ("\ud800", "value", "is text that is not valid Unicode"),
        ({"\ud800": 1}, "value", "has a key that is not valid Unicode"),
        pytest.param(10**5000, "value", "is an integer with too many digits", id="long"),
    ],
)
def test_the_first_other_value_is_found(value, path, reason):
    """The problem names the place and the type."""
    problem = plain.find_problem(value, "value")
    assert problem is not None
    assert problem.path == path
    assert problem.reason.startswith(reason)


def test_a_value_that_contains_itself_is_a_problem():
    """It does not end in a RecursionError."""
    endless: list[object] = []
    endless.append(endless)
    problem = plain.find_problem(endless, "value")
    assert problem == ("value", "is nested too deeply, or contains itself")


def test_no_problem_shows_a_value_or_a_key():
    """A problem shows no value and no key, because they may be secrets."""
    problem = plain.find_problem({"hunter2": ("hunter3",)}, "value")
    assert problem is not None
    assert "hunter" not in f"{problem.path} {problem.reason}"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", pytest.param(b"[" * 100_000, id="deep")])
def test_damaged_data_is_a_value_error(data):
    """Damaged data of any kind raises ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011
        plain.load(data)


def test_the_encoding_is_utf_8_without_spaces():
    """Other programs can read it."""
    assert plain.dump({"näme": [1, "é"]}) == '{"näme":[1,"é"]}'.encode()
    assert json.loads(plain.dump({"a": 1})) == {"a": 1}


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_members_without_a_problem_are_encoded(values):
    """An object without a problem comes back."""
    dumped = plain.dump_members(values)
    assert isinstance(dumped, bytes)
    assert repr(plain.load(dumped)) == repr(values)


@pytest.mark.parametrize(
    "value", [float("nan"), float("-inf"), "\ud800", (1, 2), [object()], Text("a"), {1: 2}]
)
def test_the_first_other_member_is_found(value):
    """The problem names the member, whether its type or its encoding shows it."""
    problem = plain.dump_members({"good": 1, "bad": value, "later": {2}})
    assert isinstance(problem, plain.Problem)
    assert problem.path.startswith("bad")


def test_scalars_are_encoded_without_those_that_are_left_out():
    """An object of scalars is JSON in UTF-8; the members that are left out may be of any type."""
    values = {"sender": object(), "text": "ä", "number": 1.5, "none": None, "is": True}
    expected = '{"text":"ä","number":1.5,"none":null,"is":true}'
    assert plain.dump_scalars(values, {"sender"}) == expected.encode()


@pytest.mark.parametrize(
    "value",
    [[1], {}, (), b"", Level.HIGH, Text("a"), float("nan"), "\ud800", 10**5000],
    ids=["list", "dict", "tuple", "bytes", "enum", "subclass", "nan", "surrogate", "digits"],
)
def test_what_is_no_scalar_of_json_is_left_to_others(value):
    """An object is not encoded if one member is no scalar, or JSON would refuse it."""
    assert plain.dump_scalars({"fine": 1, "value": value}) is None


def test_a_member_that_is_too_long_an_integer_is_found():
    """An integer with too many digits is found when it is encoded."""
    problem = plain.dump_members({"number": 10**5000})
    assert problem == plain.Problem("number", "is an integer with too many digits")


def test_a_name_that_is_not_unicode_raises():
    """The name of a keyword is no value, so an invalid one raises the error of its encoding."""
    with pytest.raises(UnicodeEncodeError):
        plain.dump_members({"\ud800": 1})


@given(JSON)
def test_text_is_that_of_json(value):
    """The encoder that is built once writes what `json.dumps` writes."""
    assert plain.encode(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_without_the_accelerator_the_text_is_the_same(monkeypatch):
    """A Python whose json has no accelerator gets the same text, and refuses the same."""
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    parts = plain._encoder()
    value = {"a": [1, 2.5, None, True, "é"], "b": {}}
    assert "".join(parts(value, 0)) == plain.encode(value)
    with pytest.raises(ValueError, match="not JSON compliant"):
        parts(float("nan"), 0)
