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


class Patch(pydantic.BaseModel):
    """A model of a change, whose fields may all be left out."""

    model_config = pydantic.ConfigDict(extra="allow")

    name: str | None = None
    number: int = pydantic.Field(default=0, alias="no")


class Patches(pydantic.BaseModel):
    """A model with others at every kind of place."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    one: Patch
    some: tuple[Patch, ...] = ()
    by_number: dict[int, Patch] = {}
    by_date: dict[dt.date, Patch] = {}
    roots: pydantic.RootModel[dict[str, Patch]] | None = None


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


GIVEN = Patch(name="n", no=1)
ROOTS = pydantic.RootModel[dict[str, Patch]]({"a": Patch(), "b": GIVEN})


@pytest.mark.parametrize(
    "model",
    [
        GIVEN,
        Patch(),
        Patch(no=0),
        Patch(more=1),  # type: ignore[call-arg]  # an extra field
        ROOTS,
        Patches(one=Patch(no=1)),
        Patches(one=GIVEN, some=(GIVEN, Patch(name=None)), by_number={7: Patch()}, roots=ROOTS),
    ],
    ids=lambda model: repr(model.model_dump(exclude_unset=True))[:40],
)
def test_fields_that_were_not_given_are_still_not_given(model):
    """A receiver that writes the given fields only must not overwrite the others."""
    again = back(model)
    assert again == model
    assert again.model_dump(exclude_unset=True) == model.model_dump(exclude_unset=True)


def test_fields_at_a_key_that_is_no_json_count_as_given():
    """They come back with their values. A worker whose model has changed ignores the place, too."""
    model = Patches(one=GIVEN, by_date={dt.date(2026, 1, 2): Patch()})
    assert back(model) == model
    conversion = model_conversion(Patch)
    assert conversion is not None
    data = {"name": "n", "_unset": [[["gone", 3], ["x"]], [["name", 9], ["x"]], [[], ["number"]]]}
    assert conversion.from_json(data).model_fields_set == {"name"}


class Shown(pydantic.BaseModel):
    """A model that is a text outside."""

    text: str
    size: int = 1

    @pydantic.model_serializer
    def show(self) -> str:
        """Return the text."""
        return self.text if "size" not in self.model_fields_set else f"{self.text} {self.size}"

    @pydantic.model_validator(mode="before")
    @classmethod
    def read(cls, data: Any) -> Any:
        """Take the text."""
        return {"text": data} if isinstance(data, str) else data


def test_a_model_with_a_form_of_its_own_comes_back():
    """Its JSON has no place for the fields that were not given."""
    assert back(Shown(text="a")) == Shown(text="a")


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
