"""Mapped classes and association tables by their names.

The name of a class is `module:qualname`. It is looked up among the classes that the program has
mapped, and never imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import inspect
from sqlalchemy.orm import Mapper, MapperProperty, RelationshipProperty

from clarion._core.names import quoted_name
from clarion.envelope.receiver_names import type_name
from clarion.integrations.sqlalchemy.senders import class_count, mappers

if TYPE_CHECKING:
    from sqlalchemy import Table

# The classes by name, and the number of mapped classes when they were read.
_known: tuple[int, dict[str, list[type]]] = (0, {})
_places: WeakKeyDictionary[Table, tuple[str, str]] = WeakKeyDictionary()


def class_name(kind: Any) -> str:
    """Return the name of a mapped class.

    Raises:
        ValueError: if another mapped class has the same name.
    """
    name = type_name(kind)
    found = _classes().get(name, [])
    if found == [kind]:
        return name
    module = name.partition(":")[0]
    if len({each.__module__ for each in found}) > 1:
        raise ValueError(
            f"is named {name}, as another mapped class is: the main module of the program was also imported as "
            f"{module}; move its classes to a module of their own"
        )
    raise ValueError(f"is named {name}, as another mapped class is; rename one of them")


def class_named(name: object) -> Any:
    """Return the mapped class of a name.

    Raises:
        LookupError: if there is no such class, or several.
    """
    found = _classes().get(name, []) if isinstance(name, str) else []
    if len(found) != 1:
        several = "several mapped classes have" if found else "no mapped class has"
        raise LookupError(f"{several} the name {quoted_name(name)}")
    return found[0]


def _classes() -> dict[str, list[type]]:
    global _known  # noqa: PLW0603
    # Looking at each mapper would cost more than reading the row.
    count = class_count()
    if _known[0] != count:
        found: dict[str, list[type]] = {}
        for mapper in mappers():
            kind: type = mapper.class_
            names = found.setdefault(type_name(kind), [])
            if kind not in names:
                names.append(kind)
        _known = count, found
    return _known[1]


def place_of(table: Table) -> tuple[str, str]:
    """Return the class and the relationship that have an association table.

    Raises:
        ValueError: if no relationship has it.
    """
    if (place := _places.get(table)) is None:
        for mapper in mappers():
            for prop in mapper.relationships:
                if prop.secondary is table and prop.parent is mapper:
                    place = _places[table] = class_name(mapper.class_), prop.key
                    return place
        raise ValueError("is a table that no many-to-many relationship has")
    return place


def table_at(place: Any) -> Any:
    """Return the association table of a relationship.

    Raises:
        LookupError: if it does not exist.
    """
    name, key = place
    mapper: Mapper[Any] = inspect(class_named(name))
    prop: MapperProperty[Any] | None = mapper.attrs.get(key)
    table = prop.secondary if isinstance(prop, RelationshipProperty) else None
    if table is None:
        raise LookupError(
            f"{quoted_name(name)} has no many-to-many relationship {quoted_name(key)}"
        )
    return table
