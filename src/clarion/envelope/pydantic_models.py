"""Models of pydantic as JSON and back, without importing pydantic.

They are stored by the names of their fields, whatever the aliases are, and without computed fields.
They are validated as JSON, because a strict model takes a text as a date from JSON only.

A model knows which of its fields were given, as `model_dump(exclude_unset=True)` shows. The others are
listed beside the values, for the model and for the models in it:

    {"name": "Ada", "city": null, "_unset": [[[], ["city"]]]}
"""

from __future__ import annotations

import json
from functools import cache, partial
from inspect import signature
from typing import TYPE_CHECKING, Any, cast

from clarion._core.names import quoted_name
from clarion.envelope.conversions import Conversion

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNSET = "_unset"  # no field has such a name
_ROOT = "root"  # the field of a model that is no object of JSON


def model_conversion(kind: Any) -> Conversion | None:
    """Return how the models of a class are converted; None for other classes.

    A class that is not complete is None, too: `BaseModel` itself, and a model with an annotation that
    cannot be resolved.
    """
    if not isinstance(kind, type) or not hasattr(kind, "__pydantic_validator__"):
        return None
    model: Any = kind
    if not hasattr(model, "model_validate_json") or not _is_complete(model):
        return None
    return Conversion(kind, _dump, partial(_load, model))


def _load(model: Any, data: Any) -> Any:
    unset: Any = ()
    if type(data) is dict and _UNSET in data:
        data = dict(data)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        unset = data.pop(_UNSET)
        data = data[_ROOT] if _is_root(model) else data
    validate = model.model_validate_json
    options = _options(getattr(validate, "__func__", validate))
    try:
        value = validate(json.dumps(data), **options)
    except ValueError as error:
        raise ValueError(_reason(error)) from None
    for path, names in unset:
        _unset(value, path, names)
    return value


def _unset(value: Any, path: list[str | int], names: list[str]) -> None:
    """Make the model at a path forget that some of its fields were given."""
    try:
        for step in path:
            is_field = hasattr(value, "model_fields_set")
            value = getattr(value, str(step)) if is_field else value[step]
        value.model_fields_set.difference_update(names)
    except (AttributeError, LookupError, TypeError):
        return  # the model has changed since


def _unset_fields(value: Any, path: tuple[str | int, ...]) -> Iterator[list[Any]]:
    """Yield the path of each model in a value, and its fields that were not given."""
    if unset := _unset_of(value):
        yield [path, sorted(unset)]
    for step, member in _members(value):
        if type(step) in {str, int}:  # other keys are no JSON
            yield from _unset_fields(member, (*path, step))


def _unset_of(value: Any) -> set[str]:
    """Return the fields of a model that were not given; none for another value."""
    if not hasattr(value, "model_fields_set"):
        return set()
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    given: set[str] = value.model_fields_set
    return {*kind.model_fields} - given


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    members: Any = ()
    if hasattr(value, "model_fields_set"):
        members = cast("dict[str, Any]", vars(value)).items()
    elif issubclass(type(value), (list, tuple)):
        members = enumerate(value)
    elif issubclass(type(value), dict):
        members = value.items()
    yield from members


def _is_root(model: Any) -> bool:
    return bool(getattr(model, "__pydantic_root_model__", False))


@cache  # `signature` takes far longer than the validation of a small model
def _options(validate: Any) -> dict[str, bool]:
    # Older releases of pydantic have no such options.
    takes_names = "by_name" in signature(validate).parameters
    return {"by_alias": False, "by_name": True} if takes_names else {}


def _dump(value: Any) -> Any:
    dump = partial(value.model_dump, mode="json", by_alias=False, round_trip=True)
    data: Any = dump()
    if data == dump(exclude_unset=True):
        return data
    unset = list(_unset_fields(value, ()))
    if _is_root(value):
        return {_ROOT: data, _UNSET: unset}
    if issubclass(type(data), dict):
        data[_UNSET] = unset
    return data


def _is_complete(model: Any) -> bool:
    if "__pydantic_generic_metadata__" not in vars(model):  # BaseModel
        return False
    # A class that an annotation names may have been defined since.
    return bool(model.__pydantic_complete__ or model.model_rebuild(raise_errors=False))


def _reason(error: Any) -> str:
    """Return what is wrong, without the values that pydantic adds."""
    if not hasattr(error, "errors"):
        return "the model refuses it"
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    # Not the whole place, which may have the key of a dictionary.
    field = f"field {quoted_name(first['loc'][0])} " if first["loc"] else ""
    return f"{field}is not valid ({first['type']})"
