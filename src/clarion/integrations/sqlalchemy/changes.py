"""Which columns of a row a flush is going to update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ClauseElement, inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import InstanceState, RelationshipProperty

    from clarion.integrations.sqlalchemy.shape import Shape

_MISSING: Any = object()


def changed(state: InstanceState[Any], shape: Shape) -> frozenset[str]:
    """Return the names of the columns that differ from the row, as a flush decides it."""
    found: list[str] = []
    for name, old in state.committed_state.items():
        if name in shape.columns:
            if _differs(state, name, old):
                found.append(name)
        elif name in shape.scalars:
            found.extend(_foreign_keys(state, shape.scalars[name]))
    return frozenset(found)


def _differs(state: InstanceState[Any], name: str, old: Any) -> bool:
    value = state.dict.get(name)
    if isinstance(value, ClauseElement) or hasattr(value, "__clause_element__"):
        return True
    # What is compared may answer with anything, an array of booleans say.
    return state.manager[name].impl.is_equal(value, old) is not True


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
