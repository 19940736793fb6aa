"""The enumerations of mapped columns, whose members come back as members."""

from __future__ import annotations

from typing import Any

from clarion.integrations.sqlalchemy.senders import class_count, mappers

# The enumerations, and the number of mapped classes when they were read.
_known: tuple[int, list[type]] = (0, [])


def enumeration_of(type_: Any) -> Any:
    """Return the enumeration of a column's type, or of its items; None if it has none."""
    while True:
        if hasattr(type_, "impl_instance"):  # a TypeDecorator
            type_ = type_.impl_instance
        elif hasattr(type_, "item_type"):  # an array
            type_ = type_.item_type
        else:
            return getattr(type_, "enum_class", None)


def enumerations() -> list[type]:
    """Return the enumerations of all mapped columns."""
    global _known  # noqa: PLW0603
    # Looking at each column would cost more than storing the value.
    count = class_count()
    if _known[0] != count:
        columns = (column for mapper in mappers() for column in mapper.columns)
        found = dict.fromkeys(enumeration_of(column.type) for column in columns)
        _known = count, [each for each in found if each is not None]
    return _known[1]
