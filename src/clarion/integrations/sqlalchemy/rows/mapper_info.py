"""The attributes of a mapper, sorted by what a flush does with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column
from sqlalchemy.orm import Mapper, RelationshipDirection

if TYPE_CHECKING:
    from sqlalchemy.orm import InstanceState, RelationshipProperty


class MapperInfo:
    """The attributes of a mapper, sorted by what they mean to a flush.

    Attributes:
        columns: by attribute name, the function that compares two values of the column.
        many_to_one: the relationships by name that set a foreign key of the row.
        many_to_many: the relationships by name that have an association table.
        cascades: the relationships whose members are deleted with the object.
        delete_orphan_keys: the names of the relationships whose members are deleted when removed.
        may_be_orphan: whether an instance is deleted when it has lost its parent.
        generated: the names of the columns whose value an UPDATE may change by itself.
    """

    def __init__(self, mapper: Mapper[Any]) -> None:
        # SQLAlchemy replaces this object when an attribute is added to the mapper.
        self.source = mapper.attrs
        relationships = [each for each in mapper.relationships if not each.viewonly]
        # A `polymorphic_on` outside of the table is a property without an attribute.
        self.columns = {
            each.key: mapper.class_manager[each.key].impl.is_equal
            for each in mapper.column_attrs
            if each.key in mapper.class_manager
            and any(isinstance(column, Column) for column in each.columns)
        }
        self.generated = {
            each.key
            for each in mapper.column_attrs
            if each.key in mapper.class_manager
            and not each.deferred
            and any(map(_is_generated, each.columns))
        }
        self.many_to_one = _by_name(relationships, RelationshipDirection.MANYTOONE)
        self.many_to_many = _by_name(relationships, RelationshipDirection.MANYTOMANY)
        self.cascades = [each for each in relationships if each.cascade.delete]
        self.delete_orphan_keys = [each.key for each in relationships if each.cascade.delete_orphan]
        self.may_be_orphan = any(each._delete_orphans for each in mapper.iterate_to_root())


def _is_generated(column: Any) -> bool:
    if not isinstance(column, Column):
        return True  # a column_property
    default: Any = column.onupdate
    return column.server_onupdate is not None or bool(getattr(default, "is_clause_element", False))


def _by_name(
    relationships: list[RelationshipProperty[Any]], direction: RelationshipDirection
) -> dict[str, RelationshipProperty[Any]]:
    return {each.key: each for each in relationships if each.direction is direction}


# An attribute of the mapper itself: a weak dictionary would keep every mapper, because the
# information refers to it.
_KEY = "_clarion_info"


def mapper_info(mapper: Mapper[Any]) -> MapperInfo:
    """Return the information about a mapper, computed once."""
    info: MapperInfo | None = mapper.__dict__.get(_KEY)
    if info is None or info.source is not mapper.attrs:
        info = mapper.__dict__[_KEY] = MapperInfo(mapper)
    return info


def cascade_targets(mapper: Mapper[Any]) -> set[Mapper[Any]]:
    """Return the mappers whose instances a delete may cascade to, at any distance."""
    found: set[Mapper[Any]] = set()
    pending = [mapper]
    while pending:
        for prop in mapper_info(pending.pop()).cascades:
            new = {*prop.mapper.self_and_descendants} - found
            found |= new
            pending += new
    return found


def primary_key(state: InstanceState[Any]) -> Any:
    """Return the primary key, a tuple if composite; None if there is no key yet."""
    values = state.identity
    if values is None:
        values = tuple(state.mapper.primary_key_from_instance(state.obj()))
        if None in values:
            return None
    return values[0] if len(values) == 1 else values
