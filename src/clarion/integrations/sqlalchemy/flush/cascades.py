"""Which objects a flush is going to delete, in which order, and the origin of each delete.

SQLAlchemy carries out a cascade and does not record its origin. So this module follows it
again, from each object deleted explicitly and from each orphan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.orm import PassiveFlag, RelationshipDirection
from sqlalchemy.orm.attributes import get_history

from clarion.integrations.sqlalchemy.rows.mapper_info import mapper_info

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from sqlalchemy.orm import InstanceState, Session

    State = InstanceState[Any]


def to_delete(
    session: Session,
    deleted: Iterable[State],
    dirty: Iterable[State],
    marked: Container[State],
) -> dict[State, Any]:
    """Return the objects to delete, each with its origin; children before their parents.

    Args:
        session: the session that flushes.
        deleted: the marked objects whose delete may send a signal.
        dirty: the changed objects that may be orphans, or may have created one.
        marked: all objects that `delete()` was called with, or has cascaded to.
    """
    found: dict[State, Any] = {}
    visited: set[State] = set()
    for state in deleted:
        for name in mapper_info(state.mapper).delete_orphan_keys:
            for orphan in _removed_children(session, state, name):
                _add_cascade(orphan, found, visited, marked)
        _add_cascade(state, found, visited, marked)
    for state in dirty:
        for orphan in _orphans(session, state):
            _add_cascade(orphan, found, visited, None)
    return found


def _add_cascade(
    root: State,
    found: dict[State, Any],
    visited: set[State],
    marked: Container[State] | None,
) -> None:
    """Add an object to `found`, after every object that its delete cascades to.

    `delete()` marks the objects it cascades to at once, and adding one again unmarks it. An
    orphan's cascade is not marked (None): the flush finds it.
    """
    if root in found or root._deleted:
        return
    origin = root.obj()
    visited.add(root)
    if not mapper_info(root.mapper).cascades:
        found[root] = origin
        return
    # A loop, because a chain may be longer than the recursion limit.
    stack = [(root, _cascaded(root, visited, marked))]
    while stack:
        state, children = stack[-1]
        child, among = next(children, (None, None))
        if child is None:
            stack.pop()
            found[state] = origin
        elif child.key is not None and not child._deleted:
            stack.append((child, _cascaded(child, visited, among)))


def _cascaded(
    state: State, visited: set[State], marked: Container[State] | None
) -> Iterator[tuple[State, Container[State] | None]]:
    """Yield the objects that a delete cascades to: the marked ones, or all if None."""
    for prop in mapper_info(state.mapper).cascades:
        # A flush deletes the object at the other end of a many-to-one, marked or not.
        among = None if prop.direction is RelationshipDirection.MANYTOONE else marked
        for _, _, child, _ in prop.cascade_iterator("delete", state, state.dict, visited):
            if among is None or child in among:
                yield child, among
            else:
                visited.discard(child)


def _orphans(session: Session, state: State) -> Iterator[State]:
    """Yield the object if it has lost its parent, and its children that have."""
    info = mapper_info(state.mapper)
    if info.may_be_orphan and state.mapper._is_orphan(state):
        yield state
    for name in info.delete_orphan_keys:
        if name in state.committed_state:
            yield from _removed_children(session, state, name)


def _removed_children(session: Session, parent: State, name: str) -> Iterator[State]:
    """Yield the former members of a relationship that have no parent now."""
    has_parent = parent.manager[name].impl.hasparent
    for child in get_history(parent.obj(), name, PassiveFlag.PASSIVE_NO_INITIALIZE).deleted or ():
        if child is None:
            continue
        state: State = inspect(child)
        if state.key is not None and child in session and not has_parent(state):
            yield state
