"""What a flush is going to delete, in which order, and whose deletion is the cause of it.

SQLAlchemy carries a cascade out and forgets where it began. So it is followed anew, from
each object that was deleted explicitly, and from each orphan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.orm import PassiveFlag, RelationshipDirection
from sqlalchemy.orm.attributes import get_history

from clarion.integrations.sqlalchemy.flush.mapper_info import mapper_info

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from sqlalchemy.orm import InstanceState, Session

    State = InstanceState[Any]


def to_delete(
    session: Session,
    deleted: Iterable[State],
    dirty: Iterable[State],
    noted: Container[State],
) -> dict[State, Any]:
    """Return what will be deleted, each with its origin; children come before their parents.

    Args:
        session: whose flush it is.
        deleted: what was deleted explicitly, or by a cascade of that, and concerns somebody.
        dirty: what may be an orphan, or have made one.
        noted: all that was deleted explicitly, or by a cascade of that.
    """
    found: dict[State, Any] = {}
    visited: set[State] = set()
    for state in deleted:
        for name in mapper_info(state.mapper).delete_orphan_keys:
            for orphan in _taken_out(session, state, name):
                _follow(orphan, found, visited, noted)
        _follow(state, found, visited, noted)
    for state in dirty:
        for orphan in _orphans(session, state):
            _follow(orphan, found, visited, None)
    return found


def _follow(
    root: State,
    found: dict[State, Any],
    visited: set[State],
    noted: Container[State] | None,
) -> None:
    """Add an object, and before it all that its deletion takes along.

    What `delete()` takes along it has noted at once, and adding that again takes it back.
    What an orphan takes along (there is nothing noted of it) is found by the flush.
    """
    if root in found or root._deleted:
        return
    origin = root.obj()
    visited.add(root)
    if not mapper_info(root.mapper).cascades:
        found[root] = origin
        return
    # By hand, for a chain may be longer than the stack is high.
    stack = [(root, _children(root, visited, noted))]
    while stack:
        state, children = stack[-1]
        child, among = next(children, (None, None))
        if child is None:
            stack.pop()
            found[state] = origin
        elif child.key is not None and not child._deleted:
            stack.append((child, _children(child, visited, among)))


def _children(
    state: State, visited: set[State], noted: Container[State] | None
) -> Iterator[tuple[State, Container[State] | None]]:
    """Yield what a deletion takes along: of what was noted, or if there is nothing of it all."""
    for prop in mapper_info(state.mapper).cascades:
        # A flush takes along what a deleted object refers to, noted or not.
        among = None if prop.direction is RelationshipDirection.MANYTOONE else noted
        for _, _, child, _ in prop.cascade_iterator("delete", state, state.dict, visited):
            if among is None or child in among:
                yield child, among
            else:
                visited.discard(child)


def _orphans(session: Session, state: State) -> Iterator[State]:
    """Yield what is deleted because it has lost its parent: the object, or former members."""
    shape = mapper_info(state.mapper)
    if shape.may_be_orphan and state.mapper._is_orphan(state):
        yield state
    for name in shape.delete_orphan_keys:
        if name in state.committed_state:
            yield from _taken_out(session, state, name)


def _taken_out(session: Session, parent: State, name: str) -> Iterator[State]:
    has_parent = parent.manager[name].impl.hasparent
    for child in get_history(parent.obj(), name, PassiveFlag.PASSIVE_NO_INITIALIZE).deleted or ():
        if child is None:
            continue
        state: State = inspect(child)
        if state.key is not None and child in session and not has_parent(state):
            yield state
