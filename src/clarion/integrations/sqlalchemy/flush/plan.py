"""What a flush is going to write: worked out before it, and told of after it.

A flush may have ten thousand objects, so what is the same for all of a class is asked once,
and the session's own collections are read, for its public ones are copies.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from clarion._core import instrument
from clarion.integrations.sqlalchemy.aliases import using
from clarion.integrations.sqlalchemy.flush.cascades import to_delete
from clarion.integrations.sqlalchemy.flush.columns import changed
from clarion.integrations.sqlalchemy.flush.many_to_many import Link, links
from clarion.integrations.sqlalchemy.flush.mapper_info import MapperInfo, mapper_info, taken_along
from clarion.integrations.sqlalchemy.flush.raw import is_raw
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

    from clarion.integrations.sqlalchemy.flush.changes import ChangeSet
    from clarion.integrations.sqlalchemy.model_signal import ModelSignal

    State = InstanceState[Any]


class Save:
    """One object to be inserted or updated; the attributes are the keywords of the signals."""

    __slots__ = ("changeset", "created", "instance", "sender", "state", "update_fields", "using")

    def __init__(
        self, instance: Any, state: State, update_fields: frozenset[str] | None, using: str
    ) -> None:
        self.instance = instance
        self.state = state
        self.sender = state.class_
        self.created = update_fields is None
        self.update_fields = update_fields
        self.using = using
        self.changeset: ChangeSet | None = None


class Delete:
    """One object to be deleted; the attributes are the keywords of the signals."""

    __slots__ = ("instance", "is_explicit", "origin", "sender", "state", "using")

    def __init__(self, state: State, origin: Any, using: str, *, is_explicit: bool) -> None:
        self.instance = state.obj()
        self.state = state
        self.sender = state.class_
        self.origin = origin
        self.using = using
        self.is_explicit = is_explicit

    def is_taken_back(self, session: Session) -> bool:
        """Tell whether it was deleted by `delete()`, and has been added again since."""
        return self.is_explicit and self.state not in session._deleted


class Plan:
    """What a flush is going to write, as far as anybody listens to it.

    Attributes:
        raw: whether it is a fixture or an import.
        deletes: what it deletes, children first.
        saves: what it inserts, in the order of being added; then what it updates.
        links: what it changes in many-to-many relationships.
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
        shape: what it is made of.
        saving: whether anybody hears of its saves.
        deleting: whether anybody hears of its deletes.
        is_flat: whether a delete of it takes along nothing that concerns anybody.
        may_bereave: whether a change of it may have made an orphan, of itself or another,
            that concerns somebody.
    """

    def __init__(self, mapper: Mapper[Any]) -> None:
        sender = mapper.class_
        self.mapper = mapper
        self.shape: MapperInfo = mapper_info(mapper)
        self.saving = pre_save.has_listeners(sender) or post_save.has_listeners(sender)
        self.deleting = pre_delete.has_listeners(sender) or post_delete.has_listeners(sender)
        self.is_flat = not any(_concerns_somebody(each) for each in taken_along(mapper))
        self.may_create_orphans = bool(
            self.shape.may_be_orphan or self.shape.delete_orphan_keys
        ) and (not self.is_flat or _concerns_somebody(mapper))


def _concerns_somebody(mapper: Mapper[Any]) -> bool:
    signals = pre_save, post_save, pre_delete, post_delete
    return bool(mapper_info(mapper).many) or any(
        each.has_listeners(mapper.class_) for each in signals
    )


class _ClassPlans(dict["ClassManager[Any]", ClassPlan]):
    def __missing__(self, manager: ClassManager[Any]) -> ClassPlan:
        kind = self[manager] = ClassPlan(manager.mapper)
        return kind


class Planner:
    """Looks at one session before one flush, as often as receivers change something.

    Args:
        session: the session.
        only: the objects that the flush is restricted to; None for all.
    """

    def __init__(self, session: Session, only: Iterable[Any] | None) -> None:
        self.session = session
        self._only = None if only is None else {id(each): each for each in only}
        self._aliases: dict[Mapper[Any], str] = {}
        self._inserts: dict[State, Save] = {}

    def plan(self) -> Plan:
        """Return what the flush would do now."""
        session, kinds = self.session, _ClassPlans()
        saving, deleting = _any(pre_save, post_save), _any(pre_delete, post_delete)
        linking = _any(m2m_changed)
        dirty = self._dirty(kinds)
        dead = self._dead(dirty, kinds)
        saves: list[Save] = []
        if saving:
            saves += self._new_saves(kinds)
            saves += chain.from_iterable(
                self._changes(kinds[each], dirty[each], dead) for each in sorted(dirty, key=_name)
            )
        return Plan(
            raw=is_raw(session),
            deletes=list(self._deletes(dead, kinds)) if deleting else [],
            saves=saves,
            links=self._links(dirty, kinds, dead) if linking else [],
        )

    def using(self, mapper: Mapper[Any]) -> str:
        """Return the alias of the engine that a mapper's instances are written to."""
        found = self._aliases.get(mapper)
        if found is None:
            found = self._aliases[mapper] = using(self.session, mapper)
        return found

    def _is_chosen(self, instance: Any) -> bool:
        return self._only is None or id(instance) in self._only

    def _dirty(self, kinds: _ClassPlans) -> dict[ClassManager[Any], list[State]]:
        """Return the states that have changed and are not to be deleted, by class."""
        found: dict[ClassManager[Any], list[State]] = {}
        deleted = self.session._deleted
        for state in self.session._dirty_states:
            manager = state.manager
            if manager in found:
                found[manager].append(state)
            else:
                found[manager] = [state]
        for manager, states in found.items():
            kind = kinds[manager]
            if not (kind.saving or kind.may_create_orphans or kind.shape.many):
                found[manager] = []
            elif deleted or self._only is not None:
                found[manager] = [
                    state
                    for state in states
                    if state not in deleted and self._is_chosen(state.obj())
                ]
        return found

    def _dead(
        self, dirty: dict[ClassManager[Any], list[State]], kinds: _ClassPlans
    ) -> dict[State, Any]:
        """Return what will be deleted and concerns somebody, with the origins."""
        noted = self.session._deleted
        if self._only is not None:
            noted = {state: each for state, each in noted.items() if self._is_chosen(each)}
        deleted = [
            state for state in noted if (kind := kinds[state.manager]).deleting or not kind.is_flat
        ]
        bereaving = [
            state for each in dirty if kinds[each].may_create_orphans for state in dirty[each]
        ]
        return to_delete(self.session, deleted, bereaving, noted) if deleted or bereaving else {}

    def _deletes(self, dead: dict[State, Any], kinds: _ClassPlans) -> Iterator[Delete]:
        for state, origin in dead.items():
            kind = kinds[state.manager]
            if kind.deleting:
                is_explicit = state in self.session._deleted
                yield Delete(state, origin, self.using(kind.mapper), is_explicit=is_explicit)

    def _new_saves(self, kinds: _ClassPlans) -> Iterator[Save]:
        known = self._inserts
        for state, instance in self.session._new.items():
            kind = kinds[state.manager]
            if not kind.saving or not self._is_chosen(instance):
                continue
            if kind.shape.may_be_orphan and _is_dropped(state, kind.mapper):
                continue
            save = known.get(state)
            if save is None:
                save = known[state] = Save(instance, state, None, self.using(kind.mapper))
            yield save

    def _changes(
        self, kind: ClassPlan, states: list[State], dead: dict[State, Any]
    ) -> Iterator[Save]:
        if not kind.saving:
            return
        for state in _in_order(states):
            names = changed(state, kind.shape)
            if names and state not in dead:
                yield Save(state.obj(), state, names, self.using(kind.mapper))

    def _links(
        self,
        dirty: dict[ClassManager[Any], list[State]],
        kinds: _ClassPlans,
        dead: dict[State, Any],
    ) -> list[Link]:
        new = [state for state, each in self.session._new.items() if self._is_chosen(each)]
        old = (_in_order(dirty[each]) for each in sorted(dirty, key=_name))
        return links(
            state
            for state in chain(new, *old)
            if kinds[state.manager].shape.many and state not in dead
        )


def _any(*signals: ModelSignal[..., Any]) -> bool:
    """Tell whether anybody, or anything, listens to one of these signals."""
    return bool(instrument.everywhere) or any(
        table.buckets or table.any_sender.members or table.instruments
        for table in (signal._table for signal in signals)
    )


def _name(manager: ClassManager[Any]) -> str:
    return f"{manager.class_.__module__}.{manager.class_.__qualname__}"


def _in_order(states: list[State]) -> list[State]:
    """Return states in the order of their primary keys; the session has them in none."""
    try:
        return sorted(states, key=_identity)
    except TypeError:
        return sorted(states, key=lambda state: str(_identity(state)))


def _identity(state: State) -> Any:
    return state.key[1]  # type: ignore[index]  # what has changed has a row


def _is_dropped(state: State, mapper: Mapper[Any]) -> bool:
    """Tell whether a new object has lost its parent, so that the flush forgets it."""
    return state._orphaned_outside_of_session and mapper._is_orphan(state)
