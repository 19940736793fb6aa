"""Senders: mapped classes and association tables, and text that names a class.

Text and relationships can be given before the class is mapped, or the mapper configured.
Such a sender is "unresolved".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, inspect
from sqlalchemy.ext.declarative import AbstractConcreteBase
from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    Mapper,
    QueryableAttribute,
    RelationshipProperty,
)
from sqlalchemy.orm.exc import UnmappedClassError

# SQLAlchemy has no other list of all mappers.
from sqlalchemy.orm.mapper import _all_registries

from clarion._core.names import quoted_name, value_name
from clarion.errors import SenderError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Neither these nor their direct subclasses have instances.
_ABSTRACT = {DeclarativeBase, DeclarativeBaseNoMeta, AbstractConcreteBase}


def is_unresolved(sender: object) -> bool:
    """Return whether a sender names a class or a table that does not exist yet."""
    return isinstance(sender, (str, QueryableAttribute))


def mappers() -> Iterator[Mapper[Any]]:
    """Yield all mappers of the program."""
    for registry in list(_all_registries()):
        # Not `registry.mappers`: it raises while a class waits for its subclasses or its table, and
        # after the program has caught the error of a class that could not be mapped.
        yield from [each.mapper for each in list(registry._managers) if each.is_mapped]


def class_count() -> int:
    """Return the number of classes of all registries, which costs less than a look at each mapper."""
    return sum(len(registry._managers) for registry in list(_all_registries()))


def resolve(sender: object) -> object:
    """Return the class or table that a sender names, or the sender itself.

    Raises:
        SenderError: if text names several classes, or an attribute is no many-to-many
            relationship.
    """
    if isinstance(sender, str):
        found = [mapper.class_ for mapper in mappers() if is_named(mapper.class_, sender)]
        if len(found) > 1:
            where = " and ".join(sorted(f"{each.__module__}:{each.__qualname__}" for each in found))
            raise SenderError(
                f"Sender {quoted_name(sender)} names several mapped classes: {where}. "
                f"Give the class itself, or 'module:Class'.",
                sender,
            )
        return found[0] if found else sender
    if isinstance(sender, QueryableAttribute):
        return _table_of(sender)
    return sender


def resolve_to(class_: type, sender: object) -> object:
    """Return a class that is being mapped if text names it, else the sender.

    SQLAlchemy may not list the mapper of that class yet.
    """
    return class_ if isinstance(sender, str) and is_named(class_, sender) else sender


def check_class(sender: object) -> None:
    """Refuse a sender that is neither a class nor text that can name one.

    Raises:
        SenderError: if it is something else, which SQLAlchemy would never send from.
    """
    if isinstance(sender, str) and sender.rpartition(":")[2].strip():
        return
    if sender is not None and not isinstance(sender, type):
        raise SenderError(
            f"The sender ({value_name(sender)}) is not a class. Give the class, its name, or 'module:Class'.",
            sender,
        )


def check_driver(sender: object) -> None:
    """Refuse a sender that cannot be the class of a driver's connection.

    Raises:
        SenderError: if it is something else, which SQLAlchemy would never send from.
    """
    if sender is not None and not isinstance(sender, type):
        raise SenderError(
            f"The sender ({value_name(sender)}) is not a class. Give the class of the driver's connection.",
            sender,
        )


def check_has_rows(sender: object) -> None:
    """Refuse a class without instances of its own, such as the base of a hierarchy.

    Raises:
        SenderError: if only its subclasses have tables.
    """
    if isinstance(sender, type) and (_is_abstract(sender) or is_unmapped_base(sender)):
        raise SenderError(
            f"The sender ({value_name(sender)}) has no table, and only its subclasses are sent. "
            f"Connect the receiver with subclasses=True, or to one of them.",
            sender,
        )


def _is_abstract(class_: type) -> bool:
    if class_.__dict__.get("__abstract__") or _ABSTRACT.intersection((class_, *class_.__bases__)):
        return True
    mapper = mapper_of(class_)
    return mapper is not None and mapper.polymorphic_abstract


def is_unmapped(sender: object) -> bool:
    """Return whether a sender is a class that is not mapped."""
    return isinstance(sender, type) and mapper_of(sender) is None


def mapper_of(class_: type) -> Mapper[Any] | None:
    """Return the mapper of a class; None if it is not mapped."""
    try:
        found: object = inspect(class_, raiseerr=False)
    except UnmappedClassError:  # it waits for its subclasses or its table
        return None
    return found if isinstance(found, Mapper) else None  # pyright: ignore[reportUnknownVariableType]


def is_unmapped_base(sender: object) -> bool:
    """Return whether a sender is a class that is not mapped, and has subclasses that are."""
    if not isinstance(sender, type) or not is_unmapped(sender):
        return False
    return any(issubclass(mapper.class_, sender) for mapper in mappers())


def check_table(sender: object) -> None:
    """Refuse a sender that is neither a relationship nor a table.

    Raises:
        SenderError: if it is something else, which SQLAlchemy would never send from.
    """
    if sender is not None and not isinstance(sender, (Table, QueryableAttribute)):
        raise SenderError(
            f"The sender ({value_name(sender)}) has no members. Give the relationship, as in Book.authors, or "
            f"the association table.",
            sender,
        )


def is_named(class_: type, text: str) -> bool:
    """Return whether text names a class, with or without its module."""
    module, _, name = text.rpartition(":")
    return name in {class_.__name__, class_.__qualname__} and module in {"", class_.__module__}


def _table_of(attribute: Any) -> object:
    prop: Any = getattr(attribute, "prop", None)
    if not isinstance(prop, RelationshipProperty):
        raise _not_many_to_many(attribute)
    if not prop.parent.configured:
        # Not configured here: that fails while a related class is still to be defined, and
        # SQLAlchemy then raises the same error at every later use.
        return attribute
    secondary: object = prop.secondary
    if not isinstance(secondary, Table):
        raise _not_many_to_many(attribute)
    return cast("object", secondary)


def _not_many_to_many(attribute: object) -> SenderError:
    return SenderError(
        f"Sender {attribute} is no many-to-many relationship. Give one that has a `secondary`, "
        f"or the association table.",
        attribute,
    )
