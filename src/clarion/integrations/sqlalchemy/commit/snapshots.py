"""Instances as they were committed, for receivers that run after it.

The session expires its instances with the commit, and by the time a receiver looks at one
the session may be closed, or be in another transaction. So a receiver is given a detached
copy: the primary key always, then what is loaded when the transaction commits, else what was
when the signal was sent. Relationships are not copied. What was never loaded is not loaded
silently, but raises DetachedInstanceError, as SQLAlchemy's detached instances do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import InstanceState, make_transient_to_detached

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    State = InstanceState[Any]

_STATE = "_sa_instance_state"


def is_mapped(value: Any) -> bool:
    """Tell whether it is an instance of a mapped class."""
    return isinstance(getattr(value, _STATE, None), InstanceState)


class Snapshots:
    """Copies of the instances among the keywords of a send.

    Args:
        session: the session that they belong to.
        named: the keywords; what is loaded of each instance is noted now.

    Attributes:
        persistent: once they are taken, those copies whose row is there.
    """

    __slots__ = ("_noted", "_session", "persistent")

    def __init__(self, session: Session, named: Mapping[str, Any]) -> None:
        self._session = session
        self._noted: dict[str, dict[str, Any]] = {
            name: dict(value.__dict__) for name, value in named.items() if is_mapped(value)
        }
        self.persistent: list[Any] = []

    def taken(self, named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keywords with copies; to be called between the commit and what expires."""
        copies: dict[int, Any] = {}
        found = dict(named)
        for name, noted in self._noted.items():
            state: State = getattr(named[name], _STATE)
            if state.session_id != self._session.hash_key or state.key is None:
                continue  # it is not this session's, or has no row
            # Two names may be one object, and are one copy then.
            if id(state) not in copies:
                copies[id(state)] = detached(state, noted)
                if not state._deleted:
                    self.persistent.append(copies[id(state)])
            found[name] = copies[id(state)]
        return found


def detached(state: State, noted: Mapping[str, Any]) -> Any:
    """Return a detached copy of an instance.

    Args:
        state: its state.
        noted: what was loaded of it before, for what is not any more.
    """
    mapper = state.mapper
    copied = state.manager.new_instance()
    values = copied.__dict__
    for name, value in {**noted, **state.dict}.items():
        if name != _STATE and name not in mapper.relationships:
            values[name] = value
    for column, key in zip(mapper.primary_key, state.key[1], strict=True):  # type: ignore[index]
        values[mapper.get_property_by_column(column).key] = key
    make_transient_to_detached(copied)
    return copied
