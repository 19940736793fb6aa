"""Instances as they were committed, for receivers that run after the commit.

A session expires its instances at the commit. When a receiver reads one, the session may be
closed, or in another transaction. So receivers get a detached copy. It has the primary key
and the values that are loaded when the transaction commits, or else were when the signal was
sent. Relationships are not copied. A value that was never loaded raises DetachedInstanceError,
as for any detached instance.
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
    """Return whether a value is an instance of a mapped class."""
    return isinstance(getattr(value, _STATE, None), InstanceState)


class Snapshots:
    """Copies of the instances among the arguments of a call.

    Args:
        session: the session that the instances belong to.
        arguments: the arguments; the loaded values of each instance are kept now.

    Attributes:
        persistent: after `copy_into`, the copies that have a row.
    """

    __slots__ = ("_loaded", "_session", "persistent")

    def __init__(self, session: Session, arguments: Mapping[str, Any]) -> None:
        self._session = session
        self._loaded: dict[str, dict[str, Any]] = {
            name: dict(value.__dict__) for name, value in arguments.items() if is_mapped(value)
        }
        self.persistent: list[Any] = []

    def copy_into(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with copies in the place of instances.

        Call it after the commit and before the session expires its instances.
        """
        copies: dict[int, Any] = {}
        found = dict(arguments)
        for name, loaded in self._loaded.items():
            state: State = getattr(arguments[name], _STATE)
            if state.session_id != self._session.hash_key or state.key is None:
                continue  # it belongs to another session, or has no row
            # Two arguments may be one object; then they get one copy.
            if id(state) not in copies:
                copies[id(state)] = detached(state, loaded)
                if not state._deleted:
                    self.persistent.append(copies[id(state)])
            found[name] = copies[id(state)]
        return found


def detached(state: State, loaded: Mapping[str, Any]) -> Any:
    """Return a detached copy of an instance.

    Args:
        state: its state.
        loaded: the values loaded earlier, for those that are not loaded now.
    """
    mapper = state.mapper
    copied = state.manager.new_instance()
    values = copied.__dict__
    for name, value in {**loaded, **state.dict}.items():
        if name != _STATE and name not in mapper.relationships:
            values[name] = value
    for column, key in zip(mapper.primary_key, state.key[1], strict=True):  # type: ignore[index]
        values[mapper.get_property_by_column(column).key] = key
    make_transient_to_detached(copied)
    return copied
