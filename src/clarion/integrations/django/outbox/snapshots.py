"""The values of a model's instance as JSON, and the instance from these values.

Each field converts its value to text and back, as for `manage.py dumpdata` and `loaddata`. So custom
fields work.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import BinaryField, GeneratedField, JSONField
from django.db.models.fields.files import FieldFile

from clarion._core.names import quoted_name
from clarion.envelope.plain import find_problem

_ATOMS = (type(None), bool, int, str)


def dump_value(instance: Any, field: Any) -> Any:
    """Return the value of a field as JSON.

    Raises:
        ValueError: if the field cannot convert it; the message names the field.
    """
    value = instance.__dict__.get(field.attname)
    try:
        data = _to_json(instance, field, value)
    except (TypeError, ValueError, AttributeError, ValidationError) as error:
        raise ValueError(
            f"has a value of {quoted_name(field.name)} that cannot be stored"
        ) from error
    if (problem := find_problem(data, field.name)) is not None:
        raise ValueError(f"cannot be stored, because {problem.path} {problem.reason}")
    return data


def _to_json(instance: Any, given: Any, value: Any) -> Any:
    field: Any = given  # not narrowed below, because Django has no types
    if value is None or isinstance(value, FieldFile):
        return None if value is None else value.name
    if isinstance(given, JSONField):
        return json.dumps(value, cls=field.encoder)
    if isinstance(given, BinaryField):
        return base64.b64encode(bytes(value)).decode()
    # A number in a text field stays a number: `value_to_string` would make it text.
    return value if type(value) in _ATOMS else field.value_to_string(instance)


def load_value(given: Any, data: Any) -> Any:
    """Return the value of a field from JSON.

    Raises:
        ValueError: if the field does not accept it.
    """
    field: Any = given.output_field if isinstance(given, GeneratedField) else given
    converted: object = field
    try:
        if data is None:
            return None
        if isinstance(converted, JSONField):
            return json.loads(data, cls=field.decoder)
        if isinstance(converted, BinaryField):
            return base64.b64decode(data)
        return field.to_python(data)
    except (TypeError, ValidationError) as error:
        raise ValueError(f"The field {quoted_name(field.name)} does not accept it.") from error


def dump_values(instance: Any) -> dict[str, Any]:
    """Return the values of the fields that are loaded.

    The value of an expression is not known, so its field is left out.

    Raises:
        ValueError: if a value cannot be stored; the message names the field.
    """
    loaded = instance.__dict__
    return {
        field.attname: dump_value(instance, field)
        for field in instance._meta.concrete_fields
        if field.attname in loaded and not hasattr(loaded[field.attname], "resolve_expression")
    }


def load_values(model: Any, values: dict[str, Any], alias: str) -> Any:
    """Return an instance with these values; the fields that are left out are deferred.

    Args:
        model: the model.
        values: what `dump_values` returned.
        alias: the database that the instance belongs to.
    """
    # A field that was added since the send is deferred. A field that was removed is ignored.
    fields = [field for field in model._meta.concrete_fields if field.attname in values]
    names = [field.attname for field in fields]
    return model.from_db(
        alias, names, [load_value(field, values[field.attname]) for field in fields]
    )
