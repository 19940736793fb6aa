"""The values of an object that are written to its row, and how to tell whether they differ."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from copy import deepcopy
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.fields.files import FieldFile

Row = dict[str, Any]

# What nobody can change in its place, hence need not be copied.
_PLAIN = frozenset(
    {
        *(type(None), bool, int, float, str, bytes, decimal.Decimal, uuid.UUID),
        *(dt.date, dt.datetime, dt.time, dt.timedelta),
    }
)


def attributes(instance: Any) -> list[str]:
    """Return the names of the attributes that have columns and are not deferred."""
    there = instance.__dict__
    return [field.attname for field in instance._meta.concrete_fields if field.attname in there]


def taken(instance: Any) -> Row:
    """Return the values of an object, but for those that only the database will know."""
    there, row = instance.__dict__, {}
    for name in attributes(instance):
        value = there[name]
        if type(value) in _PLAIN:
            row[name] = value
        elif not hasattr(value, "resolve_expression"):
            row[name] = _copied(value)
    return row


def _copied(value: Any) -> Any:
    if isinstance(value, FieldFile):  # which holds the object
        return value.name
    if isinstance(value, memoryview):
        return bytes(value)
    try:
        return deepcopy(value)
    except Exception:  # noqa: BLE001  # whatever a custom field makes of it
        return value


def differs(instance: Any, name: str, old: Any, new: Any) -> bool:
    """Tell whether a new value is another than the old one, as the field understands it."""
    if type(old) is not type(new):
        # "1.50" may stand for what was read as Decimal("1.50").
        try:
            new = instance._meta.get_field(name).to_python(new)
        except (ValidationError, TypeError, ValueError):
            return True
    try:
        return bool(old != new)
    except Exception:  # noqa: BLE001  # an array of booleans, say
        return True
