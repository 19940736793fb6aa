"""The values of columns as JSON, and back."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from clarion.envelope.tagged import UnstorableError, decode, encode
from clarion.integrations.sqlalchemy.outbox.enumerations import enumeration_of
from clarion.integrations.sqlalchemy.rows.values import copy_value

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

_ENUM = "member"  # no tag of `clarion.envelope.tagged`


def dump_value(value: Any, type_: TypeEngine[Any], name: str) -> Any:
    """Return the value of a column as JSON.

    Args:
        value: the value.
        type_: the type of the column.
        name: the name of the attribute, for the error.

    Raises:
        ValueError: if decoding would not return the same value; the message says why, in a few words.
    """
    if isinstance(value, Enum) and enumeration_of(type_) is type(value):
        return {_ENUM: value.name}
    try:
        return encode(copy_value(value), name)
    except UnstorableError as error:
        raise ValueError(
            f"cannot be stored, because {error.problem.path} {error.problem.reason}; register its class "
            f"with clarion.envelope.register_type"
        ) from None


def load_value(data: Any, type_: TypeEngine[Any], session: Any) -> Any:
    """Return the value of a column from its JSON.

    Raises:
        LookupError: if the column has no such member of an enumeration.
        DecodingError: if the JSON is damaged.
    """
    if isinstance(data, dict) and _ENUM in data:
        members: Any = enumeration_of(type_) or {}
        return members[data[_ENUM]]
    return decode(data, session)
