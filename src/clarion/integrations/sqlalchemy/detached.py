"""The databases of instances that have left their session.

A detached instance has no engine. So a program that has given an engine an alias keeps the alias of each
instance that leaves a session. Without an alias, all engines are one database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import object_session
from sqlalchemy.orm.base import instance_state

from clarion.integrations.sqlalchemy.aliases import DEFAULT, are_named
from clarion.integrations.sqlalchemy.binds import alias_of_row

if TYPE_CHECKING:
    from sqlalchemy.orm import InstanceState, Session

    State = InstanceState[Any]

_KEPT = "clarion alias"  # in the `info` of a state


def persistent_to_detached(session: Session, instance: object) -> None:
    """Keep the alias of an instance that leaves a session."""
    if not are_named():
        return
    state: State = instance_state(instance)
    # A flush asks a sharded session for a connection, and the identity token has the shard.
    sharded = session.connection_callable is not None
    keep_alias(state, DEFAULT if sharded else alias_of_row(session, state))


def keep_alias(state: State, alias: str | None) -> None:
    """Keep the alias of a detached instance, if it is known."""
    if alias is not None and are_named():
        state.info[_KEPT] = alias


def alias_of_instance(state: State) -> str | None:
    """Return the alias of the database of an instance; None if it is detached, and not known."""
    session = object_session(state.obj())
    if session is not None:
        return alias_of_row(session, state)
    return kept_alias(state)


def kept_alias(state: State) -> str | None:
    """Return the alias of a detached instance; None if it is not known."""
    if not are_named():
        return DEFAULT
    kept: dict[str, str] = state.__dict__.get("info", {})  # reading `info` would make one
    return kept.get(_KEPT)
