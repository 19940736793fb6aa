"""What a flush is going to write: worked out before it, and told of after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect

from clarion._core import instrument
from clarion.integrations.sqlalchemy.changes import changed
from clarion.integrations.sqlalchemy.deletes import doomed
from clarion.integrations.sqlalchemy.engines import using
from clarion.integrations.sqlalchemy.many import Link, links
from clarion.integrations.sqlalchemy.raw import is_raw
from clarion.integrations.sqlalchemy.shape import shape_of
from clarion.integrations.sqlalchemy.signals import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.orm import InstanceState, Mapper, Session

    from clarion.integrations.sqlalchemy.kinds import ModelSignal

    State = InstanceState[Any]


class Save:
    """One object to be inserted or updated; the attributes are the keywords of the signals."""

    __slots__ = ("created", "instance", "sender", "state", "update_fields", "using")

    def __init__(
        self, instance: Any, state: State, update_fields: frozenset[str] | None, using: str
    ) -> None:
        self.instance = instance
        self.state = state
        self.sender = type(instance)
        self.created = update_fields is None
        self.update_fields = update_fields
        self.using = using


class Delete:
    """One object to be deleted; the attributes are the keywords of the signals."""

    __slots__ = ("instance", "origin", "sender", "state", "using")

    def __init__(self, state: State, origin: Any, using: str) -> None:
        self.instance = state.obj()
        self.state = state
        self.sender = type(self.instance)
        self.origin = origin
        self.using = using


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

    def plan(self) -> Plan:
        """Return what the flush would do now."""
        saving = _Heard(pre_save, post_save)
        deleting = _Heard(pre_delete, post_delete)
        linking = _Heard(m2m_changed)
        session = self.session
        dirty = self._chosen(session.dirty)
        dead: dict[State, Any] = doomed(session, dirty)
        if self._only is not None:
            dead = {state: origin for state, origin in dead.items() if self._is_chosen(state.obj())}
        new = self._chosen(session.new) if saving.anyone or linking.anyone else []
        alive = [each for each in dirty if inspect(each) not in dead] if dead else dirty
        return Plan(
            raw=is_raw(session),
            deletes=list(self._deletes(dead, deleting)) if deleting.anyone else [],
            saves=[*self._inserts(new, saving), *self._updates(alive, saving)],
            links=links(session, [*new, *alive], linking) if linking.anyone else [],
        )

    def using(self, mapper: Mapper[Any]) -> str:
        """Return the alias of the engine that a mapper's instances are written to."""
        found = self._aliases.get(mapper)
        if found is None:
            found = self._aliases[mapper] = using(self.session, mapper)
        return found

    def _chosen(self, instances: Iterable[Any]) -> list[Any]:
        return [*instances] if self._only is None else [*filter(self._is_chosen, instances)]

    def _is_chosen(self, instance: Any) -> bool:
        return self._only is None or id(instance) in self._only

    def _deletes(self, dead: dict[State, Any], heard: _Heard) -> Iterator[Delete]:
        for state, origin in dead.items():
            if heard(state.class_):
                yield Delete(state, origin, self.using(state.mapper))

    def _inserts(self, new: Iterable[Any], heard: _Heard) -> Iterator[Save]:
        if not heard.anyone:
            return
        for instance in new:
            if heard(type(instance)):
                state: State = inspect(instance)
                mapper = state.mapper
                if not (shape_of(mapper).may_be_orphan and _is_dropped(state)):
                    yield Save(instance, state, None, self.using(mapper))

    def _updates(self, dirty: Iterable[Any], heard: _Heard) -> Iterator[Save]:
        if not heard.anyone:
            return
        # The session has them in no order.
        for instance in sorted((each for each in dirty if heard(type(each))), key=_rank):
            state: State = inspect(instance)
            mapper = state.mapper
            names = changed(state, shape_of(mapper))
            if names:
                yield Save(instance, state, names, self.using(mapper))


class _Heard:
    """Tells of a sender whether anybody listens to one of these signals; asked once for each."""

    def __init__(self, *signals: ModelSignal[..., Any]) -> None:
        self._signals = signals
        self._known: dict[Any, bool] = {}
        self.anyone = any(_has_any(signal) for signal in signals)

    def __call__(self, sender: Any) -> bool:
        found = self._known.get(sender)
        if found is None:
            found = any(signal.has_listeners(sender) for signal in self._signals)
            self._known[sender] = found
        return found


def _has_any(signal: ModelSignal[..., Any]) -> bool:
    table = signal._table
    return bool(
        table.buckets or table.anyone.members or table.instruments or instrument.everywhere
    )


def _is_dropped(state: State) -> bool:
    """Tell whether a new object has lost its parent, so that the flush forgets it."""
    return state._orphaned_outside_of_session and state.mapper._is_orphan(state)


class _rank:  # noqa: N801  # it is called as a function: a key to sort by
    """The place of an object among those to be updated: by class, then by primary key."""

    __slots__ = ("key", "name")

    def __init__(self, instance: Any) -> None:
        self.name = f"{type(instance).__module__}.{type(instance).__qualname__}"
        self.key = inspect(instance).key[1]

    def __lt__(self, other: _rank) -> bool:
        if self.name != other.name:
            return self.name < other.name
        try:
            return bool(self.key < other.key)
        except TypeError:
            return str(self.key) < str(other.key)
