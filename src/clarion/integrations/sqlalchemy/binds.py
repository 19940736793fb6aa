"""Ask a session which engine and connection a flush writes to, in the way that a flush asks.

A routing session may look at its own flag `_flushing`. A flush asks for the base mapper, and a
`ShardedSession` for each instance.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState, Mapper

from clarion.integrations.sqlalchemy.aliases import DEFAULT, alias_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import Session


def is_sharded(session: Session) -> bool:
    """Return whether a session chooses the connection for each instance."""
    return session.connection_callable is not None


def alias_of_mapper(session: Session, mapper: Mapper[Any]) -> str:
    """Return the alias of the engine that a flush writes the rows of a mapper to."""
    try:
        return alias_of(bind_of_mapper(session, mapper).engine)
    except Exception:  # noqa: BLE001  # user code; the flush raises the same to its caller
        return DEFAULT


def bind_of_mapper(session: Session, mapper: Mapper[Any]) -> Engine | Connection:
    """Return what a flush writes the rows of a mapper to."""
    with _as_flushing(session):
        return session.get_bind(mapper.base_mapper)


def bind_of_any(session: Session) -> Engine | Connection | None:
    """Return what a session writes to without a mapper; None if it does not say."""
    try:
        with _as_flushing(session):
            return session.get_bind()
    except Exception:  # noqa: BLE001  # user code, which may need a mapper
        return None


def alias_of_row(session: Session, state: InstanceState[Any]) -> str:
    """Return the alias of the engine that a flush writes one row to."""
    if not is_sharded(session):
        return alias_of_mapper(session, state.mapper)
    try:
        return alias_of(write_connection(session, state).engine)
    except Exception:  # noqa: BLE001  # as above
        return DEFAULT


def write_connection(session: Session, state: InstanceState[Any]) -> Connection:
    """Return the connection that a flush writes one row with."""
    base, choose, token = (
        state.mapper.base_mapper,
        session.connection_callable,
        state.identity_token,
    )
    with _as_flushing(session):
        if choose is None:
            return session.connection(bind_arguments={"bind": session.get_bind(base)})
        try:
            return choose(base, state.obj())
        finally:
            # A receiver may change the value that selects the shard, and the flush chooses again.
            state.identity_token = token


def engines_of(session: Session, arguments: Mapping[str, Any]) -> set[Engine]:
    """Return the engines that a flush writes the instances among the arguments to.

    Without an instance, return the engine of the sender, if that is a mapped class. Return an empty set
    if nothing is mapped.
    """
    found = (_state_of(each, InstanceState) for each in arguments.values())
    states: list[InstanceState[Any]] = [state for state in found if state is not None]
    mapper: Mapper[Any] | None = _state_of(arguments.get("sender"), Mapper)
    try:
        if states or mapper is None:
            return {_engine_of_row(session, state) for state in states}
        with _as_flushing(session):
            return {session.get_bind(mapper.base_mapper).engine}
    except Exception:  # noqa: BLE001  # user code; the flush raises the same to its caller
        return set()


def _state_of(value: Any, kind: type[Any]) -> Any:
    state: Any = inspect(value, raiseerr=False)
    return state if isinstance(state, kind) else None


def _engine_of_row(session: Session, state: InstanceState[Any]) -> Engine:
    if is_sharded(session):
        return write_connection(session, state).engine
    with _as_flushing(session):
        return session.get_bind(state.mapper.base_mapper).engine


@contextmanager
def _as_flushing(session: Session) -> Generator[None]:
    was_flushing = session._flushing
    session._flushing = True
    try:
        yield
    finally:
        session._flushing = was_flushing
