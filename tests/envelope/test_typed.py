"""The payloads of declared signals, by their annotations."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID, uuid4

import attrs
import msgspec
import pydantic
import pytest

from clarion import signal
from clarion.envelope.conversions import register_type
from clarion.envelope.registered import registered_restored
from clarion.envelope.typed import TypedValues
from clarion.errors import DeclarationError
from tests.envelope.declared import declared
from tests.envelope.kinds import Order

if TYPE_CHECKING:
    from fractions import Fraction


class Color(enum.Enum):
    """An enumeration."""

    RED = "red"


class Sku(enum.StrEnum):
    """An enumeration whose member is equal to a text."""

    A = "a"


@dataclass
class Line:
    """A record."""

    sku: str
    price: Decimal
    extra: dict[str, Any] = field(default_factory=dict)


class Address(msgspec.Struct):
    """A record of msgspec."""

    city: str


class Customer(pydantic.BaseModel):
    """A record of pydantic."""

    name: str
    born: date


class Money:
    """A class that msgspec does not know."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.cents == other.cents

    __hash__ = None  # type: ignore[assignment]


class Unknown:
    """A class that nothing can decode."""


@signal
def order_paid(
    sender: str,
    *,
    number: int,
    uid: UUID,
    at: datetime,
    lines: list[Line],
    color: Color,
    address: Address | None,
    customer: Customer,
    tags: set[str],
    data: bytes,
    size: tuple[int, int],
    wait: timedelta,
    rate: float,
) -> None:
    """A signal with every kind of annotation."""


NAMES = (
    "number",
    "uid",
    "at",
    "lines",
    "color",
    "address",
    "customer",
    "tags",
    "data",
    "size",
    "wait",
    "rate",
)
VALUES = {
    "number": 1,
    "uid": uuid4(),
    "at": datetime.now(UTC),
    "lines": [Line("a", Decimal("1.10"), {"x": [1, None]})],
    "color": Color.RED,
    "address": Address("Rome"),
    "customer": Customer(name="Ada", born=date(1815, 12, 10)),
    "tags": {"new"},
    "data": b"\x00\xff",
    "size": (1, 2),
    "wait": timedelta(seconds=1.5),
    "rate": 1,
}


def test_every_annotated_type_comes_back():
    """Equal, and of the same type."""
    values = TypedValues(order_paid, NAMES)
    dumped = values.dump(VALUES)
    assert isinstance(dumped, bytes)
    assert values.load(dumped) == VALUES


@pytest.mark.parametrize(
    ("values", "path", "reason"),
    [
        ({"number": "1"}, "number", "does not fit its annotation: expected `int`, got `str`"),
        ({"number": True}, "number", "does not fit its annotation: expected `int`, got `bool`"),
        ({"rate": float("nan")}, "rate", "does not fit its annotation"),
        ({"size": [1, 2]}, "size", "is a list, which would come back as a tuple"),
        ({"lines": [Line(1, Decimal(1))]}, "lines", "does not fit its annotation at [0].sku"),  # type: ignore[arg-type]
        ({"lines": [Line("a", Decimal(1), {"x": (1,)})]}, "lines[0].extra[...]", "is a tuple"),
        ({"address": object()}, "address", "is an object"),
    ],
)
def test_a_value_that_would_not_come_back_is_a_problem(values, path, reason):
    """A value that would change is a problem with its place and types, without the value."""
    problem = TypedValues(order_paid, NAMES).dump(values)
    assert not isinstance(problem, bytes)
    assert (problem.path, problem.reason[: len(reason)]) == (path, reason)


def test_missing_and_unknown_keywords_are_left_out():
    """An older or newer sender may know others."""
    assert TypedValues(order_paid, ("number",)).load(b'{"other":1}') == {}


def test_an_annotation_that_cannot_come_back_is_refused():
    """A union of two records, a class that nothing can decode, a name for type checkers only."""

    @dataclass
    class Other:
        number: int

    @signal
    def ambiguous(sender, *, line: Line | Other): ...
    @signal
    def unknown(sender, *, lines: list[Unknown]): ...
    @signal
    def unresolved(sender, *, part: Fraction): ...

    ambiguous.__wrapped__.__annotations__["line"] = Line | Other  # Other is local
    for refused, name, reason in (
        (ambiguous, "line", "more than one dataclass"),
        (unknown, "lines", "Unknown is not known to msgspec"),
        (unresolved, "part", "name 'Fraction' is not defined"),
    ):
        with pytest.raises(DeclarationError, match=reason):
            TypedValues(refused, (name,))


def test_a_class_can_be_registered():
    """Values of a registered class are restored."""

    @signal
    def moved(sender, *, amount: Money): ...

    with pytest.raises(DeclarationError, match="register_type"):
        TypedValues(moved, ("amount",))
    register_type(Money, to_json=lambda money: money.cents, from_json=Money)
    values = TypedValues(moved, ("amount",))
    dumped = values.dump({"amount": Money(5)})
    assert dumped == b'{"amount":5}'
    assert values.load(dumped) == {"amount": Money(5)}


@attrs.define
class Private:
    """A record with an attribute that msgspec does not encode."""

    _number: int = 1


@dataclass
class Unresolved:
    """A record with a name for type checkers only."""

    part: Fraction


DEEP: Any = functools.reduce(lambda inner, _: [inner], range(5000), cast("Any", 1))


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (dict[tuple[int, int], int], "JSON has no keys of such a type"),
        (list[dict[bool, int]], "JSON has no keys of such a type"),
        (dict[None, int], "JSON has no keys of such a type"),
        (Private, "private attribute '_number' of .*Private"),
        (pydantic.BaseModel, "BaseModel is not known to msgspec"),
        (Unresolved, "name 'Fraction' is not defined"),
        ("TypedValues.part", "has no attribute 'part'"),
        ("not a name", "cannot be read"),
    ],
    ids=str,
)
def test_what_cannot_come_back_is_refused_before_a_send(annotation, reason):
    """The first send may be months later."""
    with pytest.raises(DeclarationError, match=reason):
        declared(annotation)


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        (memoryview, memoryview(b"abcd")[::2], "is a memoryview, which cannot be encoded"),
        (Decimal, Decimal("sNaN"), "which would come back with another value"),
        (str, "\ud800", "has text that is not valid Unicode"),
        (list[int], [10**5000], "has an integer with too many digits"),
        (Literal["a"], "hunter2", "it is none of the values that are declared"),
        (list[Color], ["hunter2"], "at [0]: it is none of the values that are declared"),
        (set[str], {Sku.A}, "which would come back as a str"),
        (Any, DEEP, "nested too deeply"),
    ],
)
def test_a_refusal_has_a_reason_without_the_value(annotation, value, reason):
    """Each value that would change is a problem, whatever its comparison raises."""
    problem = declared(annotation).dump({"value": value})
    assert not isinstance(problem, bytes)
    assert problem.path.startswith("value")
    assert reason in problem.reason
    assert "hunter2" not in problem.reason


def test_the_error_of_a_stored_value_does_not_show_it():
    """A stored value of another version may be a secret."""
    with pytest.raises(ValueError, match="none of the values that are declared") as info:
        declared(Color).load(b'{"value":"hunter2"}')
    assert "hunter2" not in str(info.value)


class Row:
    """A model that is no dataclass."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and self.number == other.number

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Parcel:
    """A record with a model of a database."""

    row: Row


@dataclass
class Box:
    """A record with a model that is a dataclass."""

    order: Order


def test_a_model_inside_a_record_is_copied_only_if_it_is_registered(records, monkeypatch):
    """Without a registration the message says how to send the object itself."""
    monkeypatch.setattr(records, "owns_class", lambda kind: issubclass(kind, (Order, Row)))
    for record in (Parcel, Box, list[Box]):
        with pytest.raises(
            DeclarationError, match=r"the model .* inside another type\. Send the object"
        ):
            declared(record)
    with registered_restored():
        register_type(Row, to_json=lambda row: row.number, from_json=Row)
        values = declared(Parcel)
        dumped = values.dump({"value": Parcel(Row(1))})
        assert isinstance(dumped, bytes)
        assert values.load(dumped) == {"value": Parcel(Row(1))}
