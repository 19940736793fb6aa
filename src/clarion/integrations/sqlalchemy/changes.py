"""Which columns of a row a flush is going to update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ClauseElement, inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import InstanceState, RelationshipProperty

    from clarion.integrations.sqlalchemy.shape import Shape

_MISSING: Any = object()

# Most values are of these types, and asking them for an attribute is dear.
_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


def changed(state: InstanceState[Any], shape: Shape) -> frozenset[str]:
    """Return the names of the columns that differ from the row, as a flush decides it."""
    found: list[str] = []
    columns, values = shape.columns, state.dict
    for name, old in state.committed_state.items():
        if name in columns:
            value = values.get(name)
            # What is compared may answer with anything, an array of booleans say.
            if _is_expression(value) or columns[name](value, old) is not True:
                found.append(name)
        elif name in shape.scalars:
            found.extend(_foreign_keys(state, shape.scalars[name]))
    return frozenset(found)


def _is_expression(value: Any) -> bool:
    """Tell whether a value is for the database to work out."""
    if type(value) in _PLAIN:
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


def _value(target: Any, column: Any) -> Any:
    if target is None:
        return None
    state: InstanceState[Any] = inspect(target)
    value = state.dict.get(state.mapper.get_property_by_column(column).key)
    return _MISSING if value is None else value
