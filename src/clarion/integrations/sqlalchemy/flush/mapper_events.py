"""What listeners of `before_update` write in a flush, which its plan could not contain.

SQLAlchemy calls them while it flushes, also for objects that have not changed: a listener that
sets a time causes an UPDATE then. After the writes SQLAlchemy still has these changes. It has
forgotten an SQL expression that a listener has set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.integrations.sqlalchemy.binds import alias_of_row
from clarion.integrations.sqlalchemy.flush.change_sets import ChangeSets
from clarion.integrations.sqlalchemy.flush.plan import Save, class_name, in_order
from clarion.integrations.sqlalchemy.rows.columns import changed_columns
from clarion.integrations.sqlalchemy.rows.mapper_info import mapper_info
from clarion.integrations.sqlalchemy.signals import post_save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import ClassManager, InstanceState, Mapper, Session, UOWTransaction

    from clarion.integrations.sqlalchemy.flush.plan import Plan

    State = InstanceState[Any]


def add_changes(session: Session, plan: Plan, context: UOWTransaction) -> None:
    """Add the columns and the objects that the listeners have changed to a plan.

    Args:
        session: the session that flushes.
        plan: the plan of the flush.
        context: the flush, after its writes.
    """
    written = list(_written(context))
    if not written:
        return
    for save in plan.saves:
        if save.update_fields is not None and save.state.mapper.dispatch.before_update:
            save.update_fields |= _changed(save.state)
            if save.change_set is not None:
                save.change_set.keep_old_of_flush(save.update_fields)
    planned = {save.state for save in plan.saves}
    new = [
        Save(state.obj(), state, names, alias_of_row(session, state))
        for state in written
        if state not in planned and not _has_only_keys(state.mapper, names := _changed(state))
    ]
    for save, change_set in ChangeSets(session).for_signal(post_save, new).items():
        change_set.keep_old_of_flush(_changed(save.state))
        save.change_set = change_set
    plan.saves += new


def _written(context: UOWTransaction) -> Iterator[State]:
    """Yield the states of rows that the flush may have updated, of classes with listeners."""
    found: dict[ClassManager[Any], list[State] | None] = {}
    flushed: Any = context
    for state, (is_delete, is_listed_only) in flushed.states.items():
        manager = state.manager
        if manager not in found:
            found[manager] = [] if _listens(manager) else None
        states = found[manager]
        if not (states is None or state.key is None or is_delete or is_listed_only):
            states.append(state)
    for manager in sorted(found, key=class_name):
        yield from in_order(found[manager] or [])


def _listens(manager: ClassManager[Any]) -> bool:
    """Return whether a class has listeners of `before_update`, and receivers of post_save."""
    has_listeners = bool(manager.mapper.dispatch.before_update)
    return has_listeners and post_save.has_listeners(manager.class_)


def _changed(state: State) -> frozenset[str]:
    return changed_columns(state, mapper_info(state.mapper))


def _has_only_keys(mapper: Mapper[Any], names: frozenset[str]) -> bool:
    """Return whether a flush has only set foreign keys, from the other side of a relationship."""
    return all(mapper.column_attrs[name].columns[0].foreign_keys for name in names)
