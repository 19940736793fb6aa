"""The values of an object that Django writes to its row, and how two values compare."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from copy import deepcopy
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.fields.files import FieldFile

Row = dict[str, Any]

# They cannot be changed in place, so they are not copied.
_IMMUTABLE = frozenset(
    {
        *(type(None), bool, int, float, str, bytes, decimal.Decimal, uuid.UUID),
        *(dt.date, dt.datetime, dt.time, dt.timedelta),
    }
)


def loaded_attributes(instance: Any) -> list[str]:
    """Return the names of the attributes with columns that are not deferred."""
    loaded = instance.__dict__
    return [field.attname for field in instance._meta.concrete_fields if field.attname in loaded]


def row_of(instance: Any) -> Row:
    """Return copies of an object's values, without those that the database computes."""
    loaded, row = instance.__dict__, {}
    for name in loaded_attributes(instance):
        value = loaded[name]
        if type(value) in _IMMUTABLE:
            row[name] = value
        elif isinstance(value, FieldFile):  # it refers to the object
            row[name] = value.name
        elif not hasattr(value, "resolve_expression"):
            row[name] = copy_value(value)
    return row


def copy_value(value: Any) -> Any:
    """Return a copy of a value, or the value itself if it cannot change or be copied."""
    # An expression may refer to a whole query.
    if type(value) in _IMMUTABLE or hasattr(value, "resolve_expression"):
        return value
    if isinstance(value, memoryview):
        return bytes(value)
    try:
        return deepcopy(value)
    except Exception:  # noqa: BLE001  # the type of a custom field may raise anything
        return value


def differs(instance: Any, name: str, old: Any, new: Any) -> bool:
    """Return whether two values differ after the conversion of their field."""
    if type(old) is not type(new):
        # The text "1.50" is equal to Decimal("1.50") in a DecimalField.
        try:
            new = instance._meta.get_field(name).to_python(new)
        except (ValidationError, TypeError, ValueError):
            return True
    try:
        return bool(old != new)
    except Exception:  # noqa: BLE001  # such as an array of booleans
        return True
