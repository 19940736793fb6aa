"""Models of pydantic as JSON and back, without importing pydantic.

They are stored by the names of their fields, whatever the aliases are, and without computed fields.
They are validated as JSON, because a strict model takes a text as a date from JSON only.
"""

from __future__ import annotations

import json
from functools import cache
from inspect import signature
from typing import Any

from clarion._core.names import quoted_name
from clarion.envelope.conversions import Conversion


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
    validate = model.model_validate_json
    options = _options(getattr(validate, "__func__", validate))

    def from_json(value: Any) -> Any:
        try:
            return validate(json.dumps(value), **options)
        except ValueError as error:
            raise ValueError(_reason(error)) from None

    return Conversion(kind, _dump, from_json)


@cache  # `signature` takes far longer than the validation of a small model
def _options(validate: Any) -> dict[str, bool]:
    # Older releases of pydantic have no such options.
    takes_names = "by_name" in signature(validate).parameters
    return {"by_alias": False, "by_name": True} if takes_names else {}


def _dump(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=False, round_trip=True)


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
