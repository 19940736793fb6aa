"""Which columns of a row a flush is going to update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ClauseElement, inspect
from sqlalchemy.orm.collections import collection_adapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import InstanceState, RelationshipProperty

    from clarion.integrations.sqlalchemy.rows.mapper_info import MapperInfo

_MISSING: Any = object()

# Most values have one of these types. Checking the type is faster than looking for an attribute.
PLAIN_TYPES = frozenset({str, int, float, bool, bytes, type(None)})


def changed_columns(state: InstanceState[Any], info: MapperInfo) -> frozenset[str]:
    """Return the names of the columns that a flush would update."""
    found: list[str] = []
    columns, values = info.columns, state.dict
    for name, old in state.committed_state.items():
        if name in columns:
            value = values.get(name)
            # A comparison may return any object, such as an array of booleans.
            if is_expression(value) or columns[name](value, old) is not True:
                found.append(name)
        elif name in info.many_to_one:
            found.extend(_changed_foreign_keys(state, info.many_to_one[name]))
    return frozenset(found)


def is_expression(value: Any) -> bool:
    """Return whether the database computes the value."""
    if type(value) in PLAIN_TYPES:
        return False
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


def _changed_foreign_keys(
    state: InstanceState[Any], prop: RelationshipProperty[Any]
) -> Iterator[str]:
    """Yield the foreign keys that a many-to-one relationship gives a new value."""
    target = _target(state, prop)
    for remote, local in prop.synchronize_pairs:
        name = state.mapper.get_property_by_column(local).key
        stored = state.committed_state.get(name, state.dict.get(name, _MISSING))
        if stored is _MISSING or _value(target, remote) != stored:
            yield name


def new_foreign_keys(state: InstanceState[Any], info: MapperInfo) -> dict[str, Any]:
    """Return the foreign keys that changed many-to-one relationships set.

    If an object has no key yet, its value is an expression, because the database assigns the key.
    """
    found: dict[str, Any] = {}
    for name, old in state.committed_state.items():
        if name in info.many_to_one and state.dict.get(name) is not old:
            target = _target(state, info.many_to_one[name])
            for remote, local in info.many_to_one[name].synchronize_pairs:
                value = _value(target, remote)
                key = state.mapper.get_property_by_column(local).key
                found[key] = remote if value is _MISSING else value
    return found


def _target(state: InstanceState[Any], prop: RelationshipProperty[Any]) -> Any:
    """Return the object that a many-to-one relationship refers to, or None."""
    target = state.dict.get(prop.key)
    if target is None or not prop.uselist:
        return target
    # The flush copies the key of each member, so the last one remains.
    return next(reversed([*collection_adapter(target)]), None)


def _value(target: Any, column: Any) -> Any:
    if target is None:
        return None
    state: InstanceState[Any] = inspect(target)
    name = state.mapper.get_property_by_column(column).key
    value = state.dict.get(name)
    if value is None and state.key is not None:  # an expired object still has its identity
        for each, part in zip(state.mapper.primary_key, state.key[1], strict=True):
            if state.mapper.get_property_by_column(each).key == name:
                return part
    return _MISSING if value is None else value
