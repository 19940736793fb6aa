"""Keywords whose values are references."""

import json
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NewType, TypeVar

import pytest

from clarion import Signal
from clarion.envelope.reference_keywords import (
    check_no_model,
    dump_reference,
    is_reference,
    is_reference_annotation,
    load_reference,
)
from clarion.errors import DeclarationError, DecodingError
from tests.envelope.kinds import Order

pytestmark = pytest.mark.usefixtures("records")

FIRST, SECOND = Order(1), Order(2)
Named = NewType("Named", Order)
Bound = TypeVar("Bound", bound=Order)


def aliases() -> dict[str, Any]:
    """Return aliases of the `type` statement, which CPython has from 3.12 on."""
    made: dict[str, Any] = {"Order": Order}
    text = """
type One = Order
type Optional = One | None
type Several = list[Order]
type Generic[X] = list[X]
type Fixed[X] = Order
Filled = Generic[Order]
Ignored = Fixed[int]
type Nested = list[Nested] | int
type Unknown = list[Missing]
"""
    exec(text, made)  # noqa: S102  # older releases have no such statement
    return made


ALIASES = aliases() if sys.version_info >= (3, 12) else {"Nested": str, "Unknown": bool}
MODELS = ["One", "Optional", "Several", "Filled", "Ignored"]


@pytest.mark.parametrize(
    "annotation",
    [
        Order,
        Order | None,
        Annotated[Order, "note"],
        Annotated[Order | None, "note"],
        list[Order],
        list[Order | None],
        list[Order] | None,
        tuple[Order, ...],
        tuple[Order, Order],
        Sequence[Order],
        Iterable[Annotated[Order, "note"]],
        type[Order],
        list[type[Order]],
        Named,
        list[Named],
        Bound,
        *(ALIASES[name] for name in MODELS if name in ALIASES),
    ],
    ids=str,
)
def test_an_annotation_of_models_has_references(annotation):
    """However it is written."""
    assert is_reference_annotation(annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        Order | int,
        list[Order | int],
        tuple[Order, int],
        dict[str, Order],
        set[Order],
        deque[Order],
        list[list[Order]],
        list[Order] | dict[str, Order],
    ],
    ids=str,
)
def test_a_model_inside_another_type_is_refused(annotation):
    """Its objects would be copied, or look like other values."""
    assert not is_reference_annotation(annotation)
    with pytest.raises(DeclarationError, match=r"has the model .*Order inside another type"):
        check_no_model(Signal(name="shop.sent"), "value", annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        int,
        list[int],
        Any,
        None,
        type,
        type[int],
        TypeVar("T"),
        ALIASES["Nested"],
        ALIASES["Unknown"],
    ],
    ids=repr,
)
def test_an_annotation_without_models_has_no_references(annotation):
    """An alias may name itself."""
    assert not is_reference_annotation(annotation)
    check_no_model(Signal(name="shop.sent"), "value", annotation)


@pytest.mark.parametrize(
    "value",
    [
        FIRST,
        Order,
        [FIRST, SECOND],
        (FIRST, SECOND),
        (FIRST,),
        [FIRST, None],
        [Order, FIRST],
    ],
    ids=str,
)
def test_a_value_comes_back_with_its_type(records, value):
    """A list as a list, a tuple as a tuple, a model as this model."""
    records.rows.update({1: FIRST, 2: SECOND})
    assert is_reference(value)
    stored = json.loads(json.dumps(dump_reference(value, "value", snapshot=False)))
    loaded = load_reference(stored, None, "fail")
    assert (type(loaded), loaded) == (type(value), value)


@pytest.mark.parametrize("value", [5, "a", [], (), [5], [FIRST, 5], [None], {"a": FIRST}, int])
def test_another_value_is_no_reference(value):
    """It is stored by its value, or refused there."""
    assert not is_reference(value)


def test_no_object_is_none():
    """An optional model may be missing."""
    assert load_reference(dump_reference(None, "value", snapshot=False), None, "fail") is None


def test_the_place_of_another_value_is_named():
    """The message names the item."""
    with pytest.raises(
        ValueError, match=r"^value\[1\] is an int, which no integration can refer to"
    ):
        dump_reference((FIRST, 5), "value", snapshot=False)


@pytest.mark.parametrize(
    "data",
    [
        5,
        {"tuple": 5},
        {"tuple": [], "kind": None},
        {"class": "Order"},
        {"class": {"name": "Order"}},
        {"class": {"kind": "records", "name": "Removed"}},
        [[]],
        {},
    ],
    ids=str,
)
def test_a_damaged_value_is_refused(data):
    """With one sentence."""
    with pytest.raises(DecodingError):
        load_reference(data, None, "fail")
