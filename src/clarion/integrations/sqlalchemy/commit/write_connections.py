"""The connection of a session on which the deliveries of one send are stored.

It is the connection of the session's open transaction, so that the delivery is committed or rolled
back with the session's own writes. The statements are executed on the connection and not by the
session, because a session refuses to flush inside its own flush.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, object_session

from clarion._core.names import keyword_names, quoted_name, value_name
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy.aliases import DEFAULT, alias_of, are_named
from clarion.integrations.sqlalchemy.async_sessions import async_session
from clarion.integrations.sqlalchemy.binds import (
    bind_of_any,
    bind_of_mapper,
    is_sharded,
    write_connection,
)
from clarion.integrations.sqlalchemy.commit.sessions import binds_known, binds_of, engines_of
from clarion.integrations.sqlalchemy.detached import kept_alias
from clarion.integrations.sqlalchemy.send import in_greenlet
from clarion.integrations.sqlalchemy.senders import mapper_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.orm import InstanceState, Mapper

    Bind = Engine | Connection

_ALIAS_CURE = (
    "Give each engine an alias of its own where it is made: clarion.integrations.sqlalchemy.alias(engine, "
    "'name')."
)


def choose_bind(session: Session, alias: str | None, subjects: Iterable[Any]) -> Bind:
    """Return the engine or connection of a session on which a send is stored.

    Args:
        session: the session.
        alias: the alias of an engine of the session, or None.
        subjects: the instances and mapped classes that the send names.

    Raises:
        BoundaryError: if the session has no engine, or several and nothing selects one.
    """
    if alias is not None:
        return _bind_of_alias(session, alias)
    default = None if is_sharded(session) else _only_bind(session)
    if default is not None:
        return default
    found = _distinct(_bind_of(session, each) for each in subjects)
    if not found and not is_sharded(session):
        found = _distinct([bind_of_any(session)])
    if len(found) == 1:
        return found[0]
    known = _distinct(engines_of(session))
    if not known:
        raise BoundaryError(
            "No delivery can be stored in a Session without an engine. Bind it to one: Session(engine)."
        )
    names = sorted({alias_of(each.engine) for each in known})
    error = BoundaryError(
        f"The Session has several engines ({keyword_names(names)}), and the send does not say which "
        f"stores its deliveries. Send with an `instance` or a mapped class as the sender, or name one: "
        f"durable(database=...), inside bound(session)."
    )
    if len(names) < len(known):
        error.add_note(_ALIAS_CURE)
    raise error


def _bind_of_alias(session: Session, alias: str) -> Bind:
    """Return the engine of an alias.

    Raises:
        BoundaryError: if the session has no database with the alias, or several.
    """
    found = _distinct(each for each in binds_known(session) if alias_of(each.engine) == alias)
    if len(found) == 1:
        return found[0]
    raise BoundaryError(
        f"The Session has {len(found)} engines with the alias {quoted_name(alias)}, and deliveries are stored "
        f"in one of them. {_ALIAS_CURE}"
    )


def subjects_of(session: Session, arguments: Mapping[str, Any]) -> list[Any]:
    """Return what the keywords of a send name in a session: its instance, its sender or others."""
    found = [
        (name, each)
        for name, each in arguments.items()
        if hasattr(each, "_sa_instance_state") and object_session(each) is session
    ]
    by_name = dict(found)
    if "instance" in by_name:
        return [by_name["instance"]]
    sender = arguments.get("sender")
    if "sender" in by_name or (isinstance(sender, type) and mapper_of(sender) is not None):
        return [sender]
    return [each for _, each in found]


def check_rows(session: Session, arguments: Mapping[str, Any]) -> None:
    """Refuse objects that a session of a worker would load from another database.

    There it would find another row with the same key, or none.

    Args:
        session: the session that sends, or one of the worker. It does not connect.
        arguments: the arguments of a send.

    Raises:
        BoundaryError: if an argument is such an object, or a list with one.
    """
    for name, value in arguments.items():
        for each in value if type(value) in {list, tuple} else (value,):
            state = getattr(each, "_sa_instance_state", None)
            if state is not None and _is_foreign(session, each, state):
                raise BoundaryError(
                    f"The keyword {quoted_name(name)} is {value_name(each)} of another database than the one "
                    f"that stores the send, so a worker cannot load it. Send its key instead. If both engines "
                    f"use the same database, give them the same alias: "
                    f"clarion.integrations.sqlalchemy.alias(engine, 'name')."
                )


def _is_foreign(session: Session, value: Any, state: Any) -> bool:
    if is_sharded(session):
        return False
    owner = object_session(value)
    if owner is None:
        return _is_detached_from_another(session, value, kept_alias(state))
    if owner is session or is_sharded(owner):
        return False
    theirs, ours = _bind_of(owner, value), _bind_of(session, value)
    return theirs is not None and (ours is None or not _is_same(theirs.engine, ours.engine))


def _is_detached_from_another(session: Session, value: Any, alias: str | None) -> bool:
    if alias is None or not are_named():  # not known
        return False
    ours = _bind_of(session, value)
    return ours is None or alias_of(ours.engine) != alias


def _is_same(one: Engine, other: Engine) -> bool:
    """Return whether two engines have the same pool, the same given alias or the same address."""
    alias = alias_of(one)
    if one.pool is other.pool or alias != alias_of(other):
        return one.pool is other.pool
    return alias != DEFAULT or _address(one) == _address(other)


def _address(engine: Engine) -> tuple[Any, ...]:
    return engine.dialect.name, engine.url.host, engine.url.port, engine.url.database


@contextmanager
def session_connection(session: Session, bind: Bind, *, is_joined: bool) -> Generator[Connection]:
    """Yield the connection of the open transaction, or one in a short transaction of its own.

    Args:
        session: the session.
        bind: its engine or connection.
        is_joined: whether the open transaction of the session is used.

    Raises:
        BoundaryError: if the session is an AsyncSession's, and nothing can await it here.
    """
    if async_session(session) is not None and not in_greenlet():
        raise BoundaryError(
            "A sync send cannot write to an AsyncSession. Use `await signal.asend(...)`, or send inside "
            "session.run_sync()."
        )
    if is_joined:
        yield session.connection(bind_arguments={"bind": bind})
    elif isinstance(bind, Engine):
        with bind.begin() as connection:
            yield connection
    elif bind.in_transaction():
        yield bind  # other code ends this transaction, which the session will join
    else:
        with bind.begin():
            yield bind


@asynccontextmanager
async def async_session_connection(
    session: Session, bind: Bind, *, is_joined: bool
) -> AsyncGenerator[AsyncConnection]:
    """Yield the async connection of an AsyncSession, as `session_connection`."""
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    owner = async_session(session)
    if owner is not None and is_joined:
        yield await owner.connection(bind_arguments={"bind": bind})
    elif isinstance(bind, Engine):
        async with AsyncEngine(bind).begin() as connection:
            yield connection
    else:
        joined = AsyncConnection(AsyncEngine(bind.engine), bind)
        async with nullcontext() if bind.in_transaction() else joined.begin():
            yield joined


def _only_bind(session: Session) -> Bind | None:
    """Return the bind of a session whose binds are one database; None otherwise."""
    if type(session).get_bind is not Session.get_bind:
        return None  # user code chooses it
    of_classes = binds_of(session)
    if not of_classes:
        return session.bind
    binds = _distinct([session.bind, *of_classes.values()])
    return binds[0] if len(binds) == 1 else None


def _distinct(binds: Iterable[Bind | None]) -> list[Bind]:
    """Return one bind for each database: engines with other options have the same pool."""
    found: dict[int, Bind] = {}
    for each in binds:
        if each is not None:
            found.setdefault(id(each.engine.pool), each)
    return list(found.values())


def _bind_of(session: Session, subject: Any) -> Bind | None:
    mapper = _mapper_of(subject)
    if mapper is None:
        state: InstanceState[Any] = inspect(subject)
        if is_sharded(session):
            return write_connection(session, state).engine
        mapper = state.mapper
    try:
        return None if is_sharded(session) else bind_of_mapper(session, mapper)
    except SQLAlchemyError:  # such a class has no engine in this session
        return None


def _mapper_of(value: object) -> Mapper[Any] | None:
    return mapper_of(value) if isinstance(value, type) else None
