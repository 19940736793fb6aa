"""Instances as they were committed, for receivers that run after it.

The session expires its instances with the commit, and by the time a receiver looks at one
the session may be closed, or be in another transaction. So a receiver is given a detached
copy, with what was loaded: the primary key always, and no relationships. What was not loaded
is not loaded silently, but raises DetachedInstanceError, as SQLAlchemy's detached instances do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import InstanceState, make_transient_to_detached

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_STATE = "_sa_instance_state"


def is_mapped(value: Any) -> bool:
    """Tell whether it is an instance of a mapped class."""
    return isinstance(getattr(value, _STATE, None), InstanceState)


class Snapshots:
    """The keywords of a send, with copies for the instances of a session.

    Args:
        session: the session, which has just committed and not yet expired anything.
        named: the keywords.

    Attributes:
        named: the keywords, with the copies.
        persistent: those copies whose row is there.
    """

    __slots__ = ("_copies", "_session", "named", "persistent")

    def __init__(self, session: Session, named: dict[str, Any]) -> None:
        self._session = session
        self._copies: dict[int, Any] = {}
        self.persistent: list[Any] = []
        self.named = {name: self._kept(value) for name, value in named.items()}

    def _kept(self, value: Any) -> Any:
        if not is_mapped(value):
            return value
        state: InstanceState[Any] = getattr(value, _STATE)
        if state.session_id != self._session.hash_key or state.key is None:
            return value
        if id(value) not in self._copies:
            # Two names may be one object, and are one copy then.
            copied = self._copies[id(value)] = detached(state)
            if not state._deleted:
                self.persistent.append(copied)
        return self._copies[id(value)]


def detached(state: InstanceState[Any]) -> Any:
    """Return a detached copy of an instance, with what is loaded of it."""
    mapper = state.mapper
    copied = state.manager.new_instance()
    values = copied.__dict__
    for name, value in state.dict.items():
        if name != _STATE and name not in mapper.relationships:
            values[name] = value
    for column, key in zip(mapper.primary_key, state.key[1], strict=True):  # type: ignore[index]
        values[mapper.get_property_by_column(column).key] = key
    make_transient_to_detached(copied)
    return copied
