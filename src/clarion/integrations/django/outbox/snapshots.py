"""The values of a model's instance as JSON, and the instance from these values.

Each field converts its value to text and back, as for `manage.py dumpdata` and `loaddata`. So custom
fields work.
"""

from __future__ import annotations

import base64
import json
from copy import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import BinaryField, GeneratedField, JSONField
from django.db.models.fields.files import FieldFile

from clarion._core.names import quoted_name
from clarion.envelope.plain import find_problem

if TYPE_CHECKING:
    from collections.abc import Callable

_ATOMS = (type(None), bool, int, str)
_BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (bool, bool),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)


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
    field: Any = _converting(given)  # not narrowed below, because Django has no types
    if value is None or isinstance(value, FieldFile):
        return None if value is None else value.name
    if isinstance(field, JSONField):
        encoder: Any = field.encoder
        return json.dumps(value, cls=encoder)
    if isinstance(field, BinaryField):
        return base64.b64encode(bytes(value)).decode()
    # Each field decides what the row has for a member of an enumeration: its value, or `str(member)`.
    plain = value if _plain(value) is value else _plain(field.to_python(value))
    # A number in a text field stays a number: `value_to_string` would make it text.
    if type(plain) in _ATOMS:
        return plain
    if plain is value and field is given:
        data = _plain(field.value_to_string(instance))
    else:
        data = _to_text(field, plain)
    if not _is_accepted(field, data):
        # It has another type than the row, such as a time in a date field: convert it as a save does.
        data = _to_text(field, field.to_python(value))
        load_value(field, data)
    return data


def _converting(given: Any) -> Any:
    """Return the field that converts the values of a field, which is another one if they are generated."""
    if not isinstance(given, GeneratedField):
        return given
    generated: Any = given
    field = copy(generated.output_field)
    field.set_attributes_from_name(generated.name)
    return field


def _plain(value: Any) -> Any:
    """Return the text or number itself for an object of a subclass, such as a safe text."""
    # `str(member)` is the name of the member if its class is `(str, Enum)`.
    return next((convert(value) for base, convert in _BASES if isinstance(value, base)), value)


def _to_text(field: Any, value: Any) -> Any:
    return _plain(field.value_to_string(SimpleNamespace(**{field.attname: value})))


def _is_accepted(field: Any, data: Any) -> bool:
    try:
        load_value(field, data)
    except ValueError:
        return False
    return True


def load_value(given: Any, data: Any) -> Any:
    """Return the value of a field from JSON.

    Raises:
        ValueError: if the field does not accept it.
    """
    field: Any = _converting(given)
    try:
        if data is None:
            return None
        if isinstance(field, JSONField):
            decoder: Any = field.decoder
            return json.loads(data, cls=decoder)
        if isinstance(field, BinaryField):
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
