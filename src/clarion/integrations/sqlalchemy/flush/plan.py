"""The plan of a flush: what it writes, computed before it, for the signals.

A flush may write ten thousand objects. So the answers that are the same for all objects of a
class are computed once, and the session's own collections are read: its public ones are copies.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from clarion._core import instrument
from clarion._core.tabled import table_of
from clarion.integrations.sqlalchemy.binds import alias_of_mapper, alias_of_row, is_sharded
from clarion.integrations.sqlalchemy.flush.cascades import to_delete
from clarion.integrations.sqlalchemy.flush.many_to_many import Link, links
from clarion.integrations.sqlalchemy.flush.raw import is_raw
from clarion.integrations.sqlalchemy.rows.columns import changed_columns
from clarion.integrations.sqlalchemy.rows.mapper_info import (
    MapperInfo,
    cascade_targets,
    mapper_info,
)
from clarion.integrations.sqlalchemy.signals import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.orm import ClassManager, InstanceState, Mapper, Session

    from clarion.integrations.sqlalchemy.model_signal import ModelSignal
    from clarion.integrations.sqlalchemy.rows.changes import ChangeSet

    State = InstanceState[Any]


class Save:
    """One object to insert or update; the attributes are the keywords of the signals."""

    __slots__ = ("change_set", "created", "instance", "sender", "state", "update_fields", "using")

    def __init__(
        self, instance: Any, state: State, update_fields: frozenset[str] | None, using: str
    ) -> None:
        self.instance = instance
        self.state = state
        self.sender = state.class_
        self.created = update_fields is None
        self.update_fields = update_fields
        self.using = using
        self.change_set: ChangeSet | None = None


class Delete:
    """One object to delete; the attributes are the keywords of the signals."""

    __slots__ = ("change_set", "instance", "is_explicit", "origin", "sender", "state", "using")

    def __init__(self, state: State, origin: Any, using: str, *, is_explicit: bool) -> None:
        self.instance = state.obj()
        self.state = state
        self.sender = state.class_
        self.origin = origin
        self.using = using
        self.is_explicit = is_explicit
        self.change_set: ChangeSet | None = None

    def is_cancelled(self, session: Session) -> bool:
        """Return whether the object was added again after `delete()`."""
        return self.is_explicit and self.state not in session._deleted


class Plan:
    """What a flush is going to write, of the classes that have receivers.

    Attributes:
        raw: whether it is a fixture or an import.
        deletes: the objects it deletes, children first.
        saves: the objects it inserts, in the order of being added; then those it updates.
        links: the changes of many-to-many relationships.
    """

    __slots__ = ("deletes", "links", "raw", "saves")

    def __init__(
        self, *, raw: bool, deletes: list[Delete], saves: list[Save], links: list[Link]
    ) -> None:
        self.raw = raw
        self.deletes = deletes
        self.saves = saves
        self.links = links

    def __bool__(self) -> bool:
        return bool(self.deletes or self.saves or self.links)


class ClassPlan:
    """What is the same for all objects of a class in one plan.

    Attributes:
        mapper: the mapper of the class.
        info: the attributes of the mapper.
        sends_saves: whether a save of it sends a signal.
        sends_deletes: whether a delete of it sends a signal.
        cascade_sends: whether a delete of it may cascade to a class that sends a signal.
        may_create_orphans: whether a change of it may create an orphan, itself or another
            object, whose delete sends a signal.
    """

    def __init__(self, mapper: Mapper[Any]) -> None:
        sender = mapper.class_
        self.mapper = mapper
        self.info: MapperInfo = mapper_info(mapper)
        self.sends_saves = pre_save.has_listeners(sender) or post_save.has_listeners(sender)
        self.sends_deletes = pre_delete.has_listeners(sender) or post_delete.has_listeners(sender)
        self.cascade_sends = any(_may_send(each) for each in cascade_targets(mapper))
        self.may_create_orphans = bool(
            self.info.may_be_orphan or self.info.delete_orphan_keys
        ) and (self.cascade_sends or _may_send(mapper))


def _may_send(mapper: Mapper[Any]) -> bool:
    """Return whether a flush may send a signal for instances of a mapper."""
    signals = pre_save, post_save, pre_delete, post_delete
    return bool(mapper_info(mapper).many_to_many) or any(
        each.has_listeners(mapper.class_) for each in signals
    )


class ClassPlans(dict["ClassManager[Any]", ClassPlan]):
    """The class plans of one plan, each made on first use."""

    def __missing__(self, manager: ClassManager[Any]) -> ClassPlan:
        made = self[manager] = ClassPlan(manager.mapper)
        return made


class Planner:
    """The planner of one flush, which plans again after each round of receivers.

    Args:
        session: the session.
        only: the objects that the flush is restricted to; None for all.
    """

    def __init__(self, session: Session, only: Iterable[Any] | None) -> None:
        self.session = session
        self._only = None if only is None else {id(each): each for each in only}
        self._is_sharded = is_sharded(session)
        self._aliases: dict[Mapper[Any], str] = {}
        self._inserts: dict[State, Save] = {}

    def plan(self) -> Plan:
        """Return what the flush would do now."""
        session, classes = self.session, ClassPlans()
        sends_saves = _has_listeners(pre_save, post_save)
        sends_deletes = _has_listeners(pre_delete, post_delete)
        sends_links = _has_listeners(m2m_changed)
        dirty = self._dirty(classes)
        deleted = self._to_delete(dirty, classes)
        saves: list[Save] = []
        if sends_saves:
            saves += self._inserted(classes)
            saves += chain.from_iterable(
                self._updated(classes[each], dirty[each], deleted)
                for each in sorted(dirty, key=class_name)
            )
        return Plan(
            raw=is_raw(session),
            deletes=list(self._deletes(deleted, classes)) if sends_deletes else [],
            saves=saves,
            links=self._links(dirty, classes, deleted) if sends_links else [],
        )

    def _using(self, state: State, mapper: Mapper[Any]) -> str:
        """Return the alias of the engine that a row of a mapper is written to."""
        if self._is_sharded:
            return alias_of_row(self.session, state)
        found = self._aliases.get(mapper)
        if found is None:
            found = self._aliases[mapper] = alias_of_mapper(self.session, mapper)
        return found

    def _is_included(self, instance: Any) -> bool:
        return self._only is None or id(instance) in self._only

    def _dirty(self, classes: ClassPlans) -> dict[ClassManager[Any], list[State]]:
        """Return the states that have changed and are not marked as deleted, by class."""
        found: dict[ClassManager[Any], list[State]] = {}
        marked = self.session._deleted
        for state in self.session._dirty_states:
            manager = state.manager
            if manager in found:
                found[manager].append(state)
            else:
                found[manager] = [state]
        for manager, states in found.items():
            each = classes[manager]
            if not (each.sends_saves or each.may_create_orphans or each.info.many_to_many):
                found[manager] = []
            elif marked or self._only is not None:
                found[manager] = [
                    state
                    for state in states
                    if state not in marked and self._is_included(state.obj())
                ]
        return found

    def _to_delete(
        self, dirty: dict[ClassManager[Any], list[State]], classes: ClassPlans
    ) -> dict[State, Any]:
        """Return the objects whose delete may send a signal, with the origins."""
        marked = self.session._deleted
        if self._only is not None:
            marked = {state: each for state, each in marked.items() if self._is_included(each)}
        deleted = [
            state
            for state in marked
            if (plan := classes[state.manager]).sends_deletes or plan.cascade_sends
        ]
        changed = [
            state
            for each in sorted(dirty, key=class_name)
            if classes[each].may_create_orphans
            for state in in_order(dirty[each])
        ]
        return to_delete(self.session, deleted, changed, marked) if deleted or changed else {}

    def _deletes(self, deleted: dict[State, Any], classes: ClassPlans) -> Iterator[Delete]:
        for state, origin in deleted.items():
            each = classes[state.manager]
            if each.sends_deletes:
                is_explicit = state in self.session._deleted
                yield Delete(
                    state, origin, self._using(state, each.mapper), is_explicit=is_explicit
                )

    def _inserted(self, classes: ClassPlans) -> Iterator[Save]:
        known = self._inserts
        for state, instance in self.session._new.items():
            each = classes[state.manager]
            if not each.sends_saves or not self._is_included(instance):
                continue
            if each.info.may_be_orphan and _is_dropped(state, each.mapper):
                continue
            save = known.get(state)
            if save is None:
                save = known[state] = Save(instance, state, None, self._using(state, each.mapper))
            yield save

    def _updated(
        self, plan: ClassPlan, states: list[State], deleted: dict[State, Any]
    ) -> Iterator[Save]:
        if not plan.sends_saves:
            return
        for state in in_order(states):
            names = changed_columns(state, plan.info)
            if names and state not in deleted:
                yield Save(state.obj(), state, names, self._using(state, plan.mapper))

    def _links(
        self,
        dirty: dict[ClassManager[Any], list[State]],
        classes: ClassPlans,
        deleted: dict[State, Any],
    ) -> list[Link]:
        new = [state for state, each in self.session._new.items() if self._is_included(each)]
        old = (in_order(dirty[each]) for each in sorted(dirty, key=class_name))
        found = links(
            state
            for state in chain(new, *old)
            if classes[state.manager].info.many_to_many and state not in deleted
        )
        for link in found:
            # The flush writes an association table by the mapper at the other end.
            link.using = self._using(link.state, link.prop.mapper)
        return found


def _has_listeners(*signals: ModelSignal[..., Any]) -> bool:
    """Return whether a receiver or an instrument listens to one of these signals."""
    return bool(instrument.everywhere) or any(
        table.buckets or table.any_sender.members or table.instruments
        for table in (table_of(signal) for signal in signals)
    )


def class_name(manager: ClassManager[Any]) -> str:
    """Return the name by which classes are ordered."""
    return f"{manager.class_.__module__}.{manager.class_.__qualname__}"


def in_order(states: list[State]) -> list[State]:
    """Return states in the order of their primary keys; a session keeps no order."""
    try:
        return sorted(states, key=_identity)
    except TypeError:
        return sorted(states, key=lambda state: str(_identity(state)))


def _identity(state: State) -> Any:
    return state.key[1]  # type: ignore[index]  # a changed instance has a row


def _is_dropped(state: State, mapper: Mapper[Any]) -> bool:
    """Return whether the flush skips a new object, because it has lost its parent."""
    return state._orphaned_outside_of_session and mapper._is_orphan(state)
