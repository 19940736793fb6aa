"""Which columns of a row a flush is going to update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ClauseElement, inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import InstanceState, RelationshipProperty

    from clarion.integrations.sqlalchemy.flush.mapper_info import MapperInfo

_MISSING: Any = object()

# Most values are of these types, and asking them for an attribute is dear.
PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


def changed(state: InstanceState[Any], shape: MapperInfo) -> frozenset[str]:
    """Return the names of the columns that differ from the row, as a flush decides it."""
    found: list[str] = []
    columns, values = shape.columns, state.dict
    for name, old in state.committed_state.items():
        if name in columns:
            value = values.get(name)
            # What is compared may answer with anything, an array of booleans say.
            if is_expression(value) or columns[name](value, old) is not True:
                found.append(name)
        elif name in shape.scalars:
            found.extend(_foreign_keys(state, shape.scalars[name]))
    return frozenset(found)


def is_expression(value: Any) -> bool:
    """Tell whether a value is for the database to work out."""
    if type(value) in PLAIN:
        return False
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


def _foreign_keys(state: InstanceState[Any], prop: RelationshipProperty[Any]) -> Iterator[str]:
    """Yield the columns that a many-to-one relationship is going to set to something else."""
    target = state.dict.get(prop.key)
    for remote, local in prop.synchronize_pairs:
        name = state.mapper.get_property_by_column(local).key
        stored = state.committed_state.get(name, state.dict.get(name, _MISSING))
        if stored is _MISSING or _value(target, remote) != stored:
            yield name


def linked(state: InstanceState[Any], shape: MapperInfo) -> dict[str, Any]:
    """Return the foreign keys that many-to-one relationships set.

    The key of an object that has none yet is an expression, for the database will tell.
    """
    found: dict[str, Any] = {}
    for name, old in state.committed_state.items():
        if name in shape.scalars and (target := state.dict.get(name)) is not old:
            for remote, local in shape.scalars[name].synchronize_pairs:
                value = _value(target, remote)
                key = state.mapper.get_property_by_column(local).key
                found[key] = remote if value is _MISSING else value
    return found


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
