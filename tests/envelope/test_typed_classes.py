"""Classes in the annotations of declared signals: registered ones, and what msgspec leaves out."""

import enum
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attrs
import pydantic
import pytest

from clarion.envelope.conversions import register_type
from clarion.envelope.registered import registered_restored
from clarion.errors import DeclarationError
from tests.envelope.declared import declared


@attrs.define
class Caching:
    """A record with a private attribute that no caller gives."""

    number: int
    _found: dict[str, int] = attrs.field(factory=dict, init=False)


def test_a_private_attribute_that_no_caller_gives_does_not_matter():
    """A cache is empty again. One with entries would be lost, and is refused."""
    values = declared(Caching)
    dumped = values.dump({"value": Caching(1)})
    assert isinstance(dumped, bytes)
    assert values.load(dumped) == {"value": Caching(1)}
    used = Caching(1)
    used._found["a"] = 1
    problem = values.dump({"value": used})
    assert not isinstance(problem, bytes)
    assert problem.path == "value._found"


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Path, Path("a")),  # an object of a subclass
        (dict[Path, Path | None], {Path("a"): Path("b")}),
        (Counter[str], Counter("aab")),
    ],
    ids=str,
)
def test_a_registered_class_may_be_generic_or_have_subclasses(annotation, value):
    """The advice of the refusal works for each class that msgspec does not know."""
    with registered_restored():
        register_type(Path, to_json=str, from_json=Path)
        register_type(Counter, to_json=dict, from_json=Counter)
        values = declared(annotation)
        dumped = values.dump({"value": value})
        assert isinstance(dumped, bytes)
        assert values.load(dumped) == {"value": value}


class Votes(Counter[str]):
    """A subclass that does not come back."""


def test_a_subclass_that_does_not_come_back_is_refused():
    """The conversion of its base makes an object of the base."""
    with registered_restored():
        register_type(Counter, to_json=dict, from_json=Counter)
        problem = declared(Counter).dump({"value": Votes("a")})
    assert not isinstance(problem, bytes)
    assert "which would come back as" in problem.reason


class Customer(pydantic.BaseModel):
    """A record of pydantic."""

    name: str


@attrs.define
class Required:
    """A record with an attribute that msgspec does not encode."""

    _number: int = 1


class Mixed(enum.Enum):
    """An enumeration of a text and a number."""

    A = "a"
    B = 1


@pytest.mark.parametrize("annotation", [Mixed, Required, int | Customer, dict[bool, int]], ids=str)
def test_a_class_that_msgspec_knows_is_not_to_be_registered(annotation):
    """msgspec never asks for the conversion of such a class, so the advice would not help."""
    with pytest.raises(DeclarationError) as info:
        declared(annotation)
    assert "register" not in str(info.value)


@pytest.mark.parametrize(
    "base", [dict, list, set, deque, Exception, str], ids=lambda base: base.__name__
)
@pytest.mark.parametrize(
    "decorate", [dataclass, attrs.define(slots=False)], ids=["stdlib", "attrs"]
)
def test_a_record_that_is_also_a_builtin_is_refused(base, decorate):
    """msgspec loses the items of a list. To decode a record that is a dictionary crashes Python."""
    kind: Any = decorate(type("Batch", (base,), {"__annotations__": {"number": int}, "number": 1}))
    with pytest.raises(
        DeclarationError, match=f"Batch derives from .*{base.__name__}, whose content"
    ):
        declared(kind | None)
