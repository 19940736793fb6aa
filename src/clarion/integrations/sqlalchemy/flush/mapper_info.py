"""What a mapper is made of, as far as the signals of a flush have to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Column
from sqlalchemy.orm import Mapper, RelationshipDirection

if TYPE_CHECKING:
    from sqlalchemy.orm import InstanceState, RelationshipProperty


class MapperInfo:
    """The attributes of a mapper, sorted by what they mean to a flush.

    Attributes:
        columns: what compares two values, for each attribute that is a column of a table.
        scalars: the many-to-one relationships by name, which set a foreign key of the row.
        many: the many-to-many relationships by name.
        cascades: the relationships along which a delete goes on.
        orphanages: the names of those whose members are deleted when they are taken out.
        may_be_orphan: whether an instance is deleted when it has lost its parent.
    """

    def __init__(self, mapper: Mapper[Any]) -> None:
        # Whatever is added to the mapper makes it forget this very object.
        self.made_of = mapper.attrs
        relationships = [each for each in mapper.relationships if not each.viewonly]
        self.columns = {
            each.key: mapper.class_manager[each.key].impl.is_equal
            for each in mapper.column_attrs
            if any(isinstance(column, Column) for column in each.columns)
        }
        self.scalars = _by_name(relationships, RelationshipDirection.MANYTOONE)
        self.many = _by_name(relationships, RelationshipDirection.MANYTOMANY)
        self.cascades = [each for each in relationships if each.cascade.delete]
        self.delete_orphan_keys = [each.key for each in relationships if each.cascade.delete_orphan]
        self.may_be_orphan = any(each._delete_orphans for each in mapper.iterate_to_root())


def _by_name(
    relationships: list[RelationshipProperty[Any]], direction: RelationshipDirection
) -> dict[str, RelationshipProperty[Any]]:
    return {each.key: each for each in relationships if each.direction is direction}


_shapes: WeakKeyDictionary[Mapper[Any], MapperInfo] = WeakKeyDictionary()


def mapper_info(mapper: Mapper[Any]) -> MapperInfo:
    """Return the shape of a mapper, worked out once."""
    shape = _shapes.get(mapper)
    if shape is None or shape.made_of is not mapper.attrs:
        shape = _shapes[mapper] = MapperInfo(mapper)
    return shape


def taken_along(mapper: Mapper[Any]) -> set[Mapper[Any]]:
    """Return the mappers of what a delete may take along, near and far."""
    found: set[Mapper[Any]] = set()
    ahead = [mapper]
    while ahead:
        for prop in mapper_info(ahead.pop()).cascades:
            fresh = {*prop.mapper.self_and_descendants} - found
            found |= fresh
            ahead += fresh
    return found


def primary_key(state: InstanceState[Any]) -> Any:
    """Return the primary key, a tuple if it has several columns; None if it has none yet."""
    values = state.identity
    if values is None:
        values = tuple(state.mapper.primary_key_from_instance(state.obj()))
        if None in values:
            return None
    return values[0] if len(values) == 1 else values
