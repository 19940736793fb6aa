"""Many-to-many relationships: what is added and taken out, and from which side.

SQLAlchemy keeps both sides of a relationship alike, so their histories do not tell which
one the program has changed. Listening to the attributes does; what nobody listened to is
told from the forward side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import event, inspect
from sqlalchemy.orm import PassiveFlag, RelationshipProperty
from sqlalchemy.orm.attributes import get_history

from clarion.integrations.sqlalchemy.flush.mapper_info import mapper_info, primary_key
from clarion.integrations.sqlalchemy.senders import mappers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Table
    from sqlalchemy.orm import InstanceState

    State = InstanceState[Any]
    Relationship = RelationshipProperty[Any]
    Pair = tuple[Table, State, State, str]

# Of the state itself, not of its `info`, which is pickled along.
_KEY = "_clarion_touched"

_watched: WeakSet[Relationship] = WeakSet()
_is_watching: list[bool] = []


class Link:
    """What changes in one relationship of one object in one way.

    Attributes:
        state: of the object.
        instance: the object itself, so that it is still there when its change is told.
        prop: the relationship.
        action: "add" or "remove".
        related: the objects added or removed.
    """

    __slots__ = ("action", "instance", "prop", "related", "state")

    def __init__(self, state: State, prop: Relationship, action: str, related: list[State]) -> None:
        self.state = state
        self.instance = state.obj()
        self.prop = prop
        self.action = action
        self.related = related

    def without(self, told: set[Pair]) -> Link | None:
        """Return what of it has not been told, and note it as told."""
        fresh = [each for each in self.related if self.pair(each) not in told]
        told.update(map(self.pair, fresh))
        return Link(self.state, self.prop, self.action, fresh) if fresh else None

    def pair(self, related: State) -> Pair:
        """Return what is the same for this link and the one seen from the other side."""
        one, other = (related, self.state) if is_reverse(self.prop) else (self.state, related)
        return table_of(self.prop), one, other, self.action

    @property
    def pk_set(self) -> set[Any]:
        """The primary keys of the related objects that have one."""
        keys = {primary_key(each) for each in self.related}
        return keys - {None}


def table_of(prop: Relationship) -> Table:
    """Return the association table of a relationship."""
    return prop.secondary  # type: ignore[return-value]


def is_reverse(prop: Relationship) -> bool:
    """Tell whether a relationship is the other end of a forward one.

    Forward is the one with a `backref`, or else the one whose own foreign key stands first
    in the association table. `relationship(info={"reverse": ...})` overrules that.
    """
    if "reverse" in prop.info:
        return bool(prop.info["reverse"])
    for other in prop._reverse_property:
        if prop.backref or other.backref:
            return not prop.backref
        places = {column: place for place, column in enumerate(table_of(prop).columns)}
        mine, theirs = (
            places[pairs[0][1]]  # type: ignore[index]  # a column of this very table
            for pairs in (prop.synchronize_pairs, prop.secondary_synchronize_pairs or [])
        )
        return mine > theirs
    return False


def links(candidates: Iterable[State]) -> list[Link]:
    """Return what changes in the relationships of these objects, each change once.

    Args:
        candidates: the objects that are new or have changed, and will not be deleted.
    """
    from clarion.integrations.sqlalchemy.signals import m2m_changed

    found: list[Link] = []
    seen: set[Pair] = set()
    for state in candidates:
        for name, prop in mapper_info(state.mapper).many.items():
            if name in state.committed_state and m2m_changed.has_listeners(table_of(prop)):
                changes = (link.without(seen) for link in _changes(state, prop))
                found += [link for link in changes if link is not None]
    return found


def _changes(state: State, prop: Relationship) -> Iterator[Link]:
    # As Django's set(): what goes first, then what comes.
    for action in ("remove", "add"):
        related = _history(state, prop.key, action)
        mine = [each for each in related if _is_told_by(state, prop, each, action)]
        if mine:
            yield Link(state, prop, action, mine)


def _history(state: State, name: str, action: str) -> list[State]:
    """Return what was added to a relationship, or removed, as far as it is loaded."""
    history = get_history(state.obj(), name, PassiveFlag.PASSIVE_NO_INITIALIZE)
    members = history.added if action == "add" else history.deleted
    return [inspect(each) for each in members or () if each is not None]


def _is_told_by(state: State, prop: Relationship, related: State, action: str) -> bool:
    """Tell whether a change is told from this side of the relationship."""
    if related in _touched(state, prop.key):
        return True
    for other in prop._reverse_property:
        if state in _touched(related, other.key):
            return False
        return not is_reverse(prop) or state not in _history(related, other.key, action)
    return True


def _touched(state: State, name: str) -> set[State]:
    touched: set[State] = vars(state).get(_KEY, {}).get(name, set())
    return touched


def forget(link: Link) -> None:
    """Forget from which side a change was made, since it has been told."""
    vars(link.state).pop(_KEY, None)


def start() -> None:
    """Note from now on which side of each relationship is changed."""
    _is_watching.append(True)
    watch_new()


def watch_new() -> None:
    """Watch the relationships that were configured since, if any are to be watched."""
    if not _is_watching:
        return
    for mapper in mappers():
        # Not mapper.relationships: that would configure those that are not ready yet.
        for prop in mapper._props.values() if mapper.configured else ():
            if (
                isinstance(prop, RelationshipProperty)
                and prop.secondary is not None
                and prop not in _watched
                and prop.parent is mapper
                and not prop.viewonly
            ):
                _watched.add(prop)
                _watch(prop)


def _watch(prop: Relationship) -> None:
    name = prop.key
    others = [other.key for other in prop._reverse_property]

    def touch(state: State, value: Any, initiator: Any) -> None:
        if value is None or getattr(initiator, "impl", None) is not state.manager[name].impl:
            return
        related: State = inspect(value)
        vars(state).setdefault(_KEY, {}).setdefault(name, set()).add(related)
        for other in others:
            _touched(related, other).discard(state)

    for happening in ("append", "remove"):
        event.listen(prop.class_attribute, happening, touch, raw=True, propagate=True)
