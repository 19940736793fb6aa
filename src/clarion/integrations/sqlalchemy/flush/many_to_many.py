"""The changes of many-to-many relationships, and the side that the program has changed.

SQLAlchemy keeps both sides of a relationship equal, so their histories do not show which
side the program has changed. Listeners on the attributes record it. A change without such a
record is sent from the forward side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import inspect
from sqlalchemy.orm import PassiveFlag, RelationshipProperty
from sqlalchemy.orm.attributes import get_history

from clarion.integrations.sqlalchemy.rows.mapper_info import mapper_info, primary_key
from clarion.integrations.sqlalchemy.senders import mappers
from clarion.integrations.sqlalchemy.signals import m2m_changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableSet

    from sqlalchemy import Table
    from sqlalchemy.orm import InstanceState

    State = InstanceState[Any]
    Relationship = RelationshipProperty[Any]
    Pair = tuple[Table, State, State, str]

# An attribute of the state itself: its `info` would be pickled with the instance. It holds,
# for each relationship changed from this side, the states of the objects added or removed.
_KEY = "_clarion_changed_members"

_watched: WeakSet[Relationship] = WeakSet()


class Link:
    """One kind of change in one relationship of one object.

    Attributes:
        state: the state of the object.
        instance: the object itself, to keep it alive until the post signal.
        prop: the relationship.
        action: "add" or "remove".
        related: the states of the objects added or removed.
        using: the alias of the engine; the plan sets it.
    """

    __slots__ = ("action", "instance", "prop", "related", "state", "using")

    def __init__(self, state: State, prop: Relationship, action: str, related: list[State]) -> None:
        self.state = state
        self.instance = state.obj()
        self.prop = prop
        self.action = action
        self.related = related
        self.using = ""

    def without(self, sent: set[Pair]) -> Link | None:
        """Return the link without the pairs in `sent`, or None; add its other pairs to `sent`."""
        new = [each for each in self.related if self.pair(each) not in sent]
        sent.update(map(self.pair, new))
        if not new:
            return None
        link = Link(self.state, self.prop, self.action, new)
        link.using = self.using
        return link

    def pair(self, related: State) -> Pair:
        """Return a key that is the same for the link seen from the other side."""
        one, other = (related, self.state) if is_reverse(self.prop) else (self.state, related)
        return association_table(self.prop), one, other, self.action

    @property
    def pk_set(self) -> set[Any]:
        """The primary keys of the related objects that have one."""
        keys = {primary_key(each) for each in self.related}
        return keys - {None}


def association_table(prop: Relationship) -> Table:
    """Return the association table of a relationship."""
    return prop.secondary  # type: ignore[return-value]


def is_reverse(prop: Relationship) -> bool:
    """Return whether a relationship is the other end of a forward one.

    The forward one has a `backref`, or else its own foreign key comes first in the
    association table. `relationship(info={"reverse": ...})` overrides that.
    """
    if "reverse" in prop.info:
        return bool(prop.info["reverse"])
    for other in prop._reverse_property:
        if prop.backref or other.backref:
            return not prop.backref
        places = {column: place for place, column in enumerate(association_table(prop).columns)}
        mine, theirs = (
            places[pairs[0][1]]  # type: ignore[index]  # a column of this very table
            for pairs in (prop.synchronize_pairs, prop.secondary_synchronize_pairs or [])
        )
        return mine > theirs
    return False


def links(candidates: Iterable[State]) -> list[Link]:
    """Return the changes in the relationships of these objects, each change once.

    Args:
        candidates: the objects that are new or changed, and not to be deleted.
    """
    found: list[Link] = []
    seen: set[Pair] = set()
    for state in candidates:
        for name, prop in mapper_info(state.mapper).many_to_many.items():
            if name in state.committed_state and m2m_changed.has_listeners(association_table(prop)):
                changes = (link.without(seen) for link in _changes(state, prop))
                found += [link for link in changes if link is not None]
    return found


def _changes(state: State, prop: Relationship) -> Iterator[Link]:
    # Removed members first, as in Django's set().
    for action in ("remove", "add"):
        related = _history(state, prop.key, action)
        mine = [each for each in related if _is_changed_from(state, prop, each, action)]
        if mine:
            yield Link(state, prop, action, mine)


def _history(state: State, name: str, action: str) -> list[State]:
    """Return the loaded members that were added to a relationship, or removed."""
    history = get_history(state.obj(), name, PassiveFlag.PASSIVE_NO_INITIALIZE)
    members = history.added if action == "add" else history.deleted
    return [inspect(each) for each in members or () if each is not None]


def _is_changed_from(state: State, prop: Relationship, related: State, action: str) -> bool:
    """Return whether the program made a change from this side of the relationship."""
    if related in _changed_members(state, prop.key):
        return True
    for other in prop._reverse_property:
        if state in _changed_members(related, other.key):
            return False
        return not is_reverse(prop) or state not in _history(related, other.key, action)
    return True


def _changed_members(state: State, name: str) -> MutableSet[State]:
    members: MutableSet[State] = vars(state).get(_KEY, {}).get(name, set())
    return members


def forget_side(link: Link) -> None:
    """Forget from which side a change was made, after its signals were sent."""
    vars(link.state).pop(_KEY, None)


def relationships_to_watch() -> Iterator[Relationship]:
    """Yield the configured relationships that need a listener, each once."""
    for mapper in mappers():
        # Not mapper.relationships, which would configure mappers that are incomplete.
        for prop in mapper._props.values() if mapper.configured else ():
            if (
                isinstance(prop, RelationshipProperty)
                and prop.secondary is not None
                and prop not in _watched
                and prop.parent is mapper
                and not prop.viewonly
            ):
                _watched.add(prop)
                yield prop


def side_listener(prop: Relationship) -> Callable[[State, Any, Any], None]:
    """Return the listener that records a change made from this side of a relationship."""
    name = prop.key
    others = [other.key for other in prop._reverse_property]

    def record(state: State, value: Any, initiator: Any) -> None:
        if value is None or getattr(initiator, "impl", None) is not state.manager[name].impl:
            return
        if not m2m_changed.has_listeners(association_table(prop)):
            return
        related: State = inspect(value)
        members = vars(state).setdefault(_KEY, {}).setdefault(name, WeakSet())
        members.add(related)
        for other in others:
            _changed_members(related, other).discard(state)

    return record
