"""Models of pydantic as JSON and back."""

import datetime as dt
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

import pydantic
import pytest
from pydantic.alias_generators import to_camel

from clarion.envelope import pydantic_models
from clarion.envelope.pydantic_models import model_conversion

T = TypeVar("T")


class Alias(pydantic.BaseModel):
    """A model whose fields have other names outside."""

    model_config = pydantic.ConfigDict(alias_generator=to_camel)

    the_name: str
    another: int = pydantic.Field(validation_alias="inside", serialization_alias="outside")
    choice: int = pydantic.Field(validation_alias=pydantic.AliasChoices("a", "b"))


class Strict(pydantic.BaseModel):
    """A model that takes no text in place of a date."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid")

    at: dt.datetime
    uid: UUID
    price: Decimal
    sizes: tuple[int, ...]
    tags: set[str]

    @pydantic.computed_field  # type: ignore[prop-decorator]  # pydantic's own form
    @property
    def count(self) -> int:
        """A field that is not given."""
        return len(self.sizes)


class Page(pydantic.BaseModel, Generic[T]):
    """A generic model with another one inside."""

    items: list[T]
    alias: Alias | None = None


class Early(pydantic.BaseModel):
    """A model that names a later one."""

    later: "Later"


class Later(pydantic.BaseModel):
    """The later one."""

    number: int


class Unfinished(pydantic.BaseModel):
    """A model that names what does not exist."""

    missing: "Missing"  # type: ignore[name-defined]  # noqa: F821


class Root(pydantic.RootModel[list[int]]):
    """A model that is a list."""


def back(model: Any) -> Any:
    """Return a model after it was JSON."""
    conversion = model_conversion(type(model))
    assert conversion is not None
    return conversion.from_json(conversion.to_json(model))


ALIAS = Alias.model_validate({"theName": "n", "inside": 1, "b": 2})


@pytest.mark.parametrize(
    "model",
    [
        ALIAS,
        Strict(
            at=dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
            uid=UUID(int=1),
            price=Decimal("1.10"),
            sizes=(1, 2),
            tags={"a"},
        ),
        Page[dt.date](items=[dt.date(2026, 1, 2)], alias=ALIAS),
        Early(later=Later(number=1)),
        Root([1]),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_model_comes_back(model):
    """Aliases, strict fields and computed fields do not matter."""
    assert back(model) == model


def test_pydantic_is_inspected_once(monkeypatch):
    """An inspection for each model would take several times as long as its conversion."""
    assert back(Root([1])) == Root([1])
    monkeypatch.setattr(pydantic_models, "signature", None)
    assert back(ALIAS) == ALIAS


@pytest.mark.parametrize("kind", [pydantic.BaseModel, Unfinished, dict, Decimal, 5])
def test_a_class_without_objects_of_its_own_has_no_conversion(kind):
    """An abstract model, an unfinished one, and what is no model."""
    assert model_conversion(kind) is None


def test_a_dataclass_of_pydantic_has_no_conversion():
    """It is converted as every other dataclass."""

    @pydantic.dataclasses.dataclass
    class Point:
        x: int

    assert model_conversion(Point) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"number": "hunter2"}, r"^field 'number' is not valid \(int_parsing\)$"),
        ("hunter2", r"^is not valid \(model_type\)$"),
    ],
)
def test_an_error_does_not_show_the_values(data, reason):
    """Pydantic's own message has them."""
    conversion = model_conversion(Later)
    assert conversion is not None
    with pytest.raises(ValueError, match=reason) as info:
        conversion.from_json(data)
    assert "hunter2" not in str(info.value)
