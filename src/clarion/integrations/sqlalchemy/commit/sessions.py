"""A new session for one receiver, like the one that has committed.

The `__init__` of a user's session class may take arguments that the session does not keep. So
Clarion calls SQLAlchemy's own `__init__` instead, and copies the other attributes.
"""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from types import MemberDescriptorType, MethodType
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy.async_sessions import async_session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable, Iterator

    from sqlalchemy.ext.asyncio import AsyncSession

# Whether to ignore transactions that a session has joined (`clarion.testing.commits`).
ignores_outer: ContextVar[bool] = ContextVar("clarion_sqlalchemy_ignores_outer", default=False)

ConnectionOptions: TypeAlias = dict[Engine, dict[str, Any]]
"""Execution options of a transaction's connections that their engines do not have."""

# `session.connection(execution_options=...)` sets it for the current transaction only.
_OF_ONE_TRANSACTION = "isolation_level"

# Arguments of Session that it keeps under the same name; some are new in SQLAlchemy 2.1.
_OPTIONS = (
    "autobegin",
    "autoflush",
    "enable_baked_queries",
    "execution_options",
    "expire_on_commit",
    "join_transaction_mode",
    "twophase",
)

# A private attribute of ShardedSession.
_SHARDS = "_ShardedSession__shards"

# Attributes that belong to one session: its listeners, and the blocks that it has entered.
_NOT_COPIED = {"_trans_context_manager", "dispatch", "info"}
_NOT_COPIED_INFO = {"clarion_raw"}


def new_session(like: Session) -> Session:
    """Return a new sync session with the class, engines, options and attributes of another."""
    made: Session = object.__new__(type(like))
    options: dict[str, Any] = {
        name: getattr(like, name) for name in _OPTIONS if hasattr(like, name)
    }
    options["info"] = {key: like.info[key] for key in like.info if key not in _NOT_COPIED_INFO}
    if ignores_outer.get():
        # So a receiver that fails undoes its own writes, but not the transaction around the test.
        options["join_transaction_mode"] = "create_savepoint"
    close_state: Any = getattr(like, "_close_state", None)
    if close_state is not None:
        options["close_resets_only"] = close_state.name == "CLOSE_IS_RESET"
    _init(made, like, bind=like.bind, binds=binds_of(like), query_cls=like._query_cls, **options)
    _copy_attributes(like, made)
    return made


def _init(made: Session, like: Any, **options: Any) -> None:
    extension: Any = sys.modules.get("sqlalchemy.ext.horizontal_shard")
    if extension is None or not isinstance(like, extension.ShardedSession):
        Session.__init__(made, **options)
        return
    extension.ShardedSession.__init__(
        made,
        shard_chooser=like.shard_chooser,
        identity_chooser=like.identity_chooser,
        execute_chooser=like.execute_chooser,
        shards=like.__dict__[_SHARDS],
        **options,
    )


def new_async_session(like: Session) -> AsyncSession:
    """Return a new async session like the one that holds a sync session.

    Raises:
        ArgumentError: if no async session holds it.
    """
    owner = async_session(like)
    if owner is None:
        raise ArgumentError(
            "An async receiver requests a session after the commit of a sync one. Make the "
            "receiver sync, or use an AsyncSession."
        )
    from sqlalchemy.ext.asyncio import AsyncSession

    made: Any = object.__new__(type(owner))
    # These are async engines. SQLAlchemy 2.0 has no attribute for an argument that was not given.
    AsyncSession.__init__(
        made,
        bind=getattr(owner, "bind", None),
        binds=getattr(owner, "binds", None) or {},
        sync_session_class=lambda **_: new_session(like),  # type: ignore[arg-type]
    )
    made.sync_session_class = type(like)
    _copy_attributes(owner, made)
    return made  # type: ignore[no-any-return]


def options_of(
    session: Session, connections: Iterable[tuple[Connection, bool]]
) -> ConnectionOptions:
    """Return the execution options that user code has given the connections of a transaction.

    `session.connection(execution_options={"schema_translate_map": ...})` selects a tenant.

    Args:
        session: the session.
        connections: the connections, each with whether it is the session's own.
    """
    of_session: dict[str, Any] = getattr(session, "execution_options", {})
    found: ConnectionOptions = {}
    for connection, is_own in connections:
        known = {**connection.engine.get_execution_options(), **of_session}
        given = {
            name: value
            for name, value in connection.get_execution_options().items()
            if name != _OF_ONE_TRANSACTION and known.get(name) is not value
        }
        if given and is_own:
            found[connection.engine] = given
    return found


def use_options(session: Session, options: ConnectionOptions) -> None:
    """Give the connections of a session the options of the transaction that has committed."""
    for engine, given in options.items():
        session.connection(bind_arguments={"bind": engine}, execution_options=given)


@contextmanager
def transaction_of(
    like: Session, copies: Iterable[Any], options: ConnectionOptions
) -> Generator[Session]:
    """Open a session for a receiver; then commit its open transaction, or roll it back."""
    with new_session(like) as session:
        session.begin()
        _prepare(session, copies, options)
        try:
            yield session
        except BaseException:
            with suppress(Exception):  # the first error says more
                session.rollback()
            raise
        # The receiver may have ended the transaction itself.
        if session.in_transaction():
            session.commit()


@asynccontextmanager
async def async_transaction_of(
    like: Session, copies: Iterable[Any], options: ConnectionOptions
) -> AsyncGenerator[AsyncSession]:
    """Open an async session for a receiver, as `transaction_of`."""
    async with new_async_session(like) as session:
        await session.begin()
        await session.run_sync(_prepare, copies, options)
        try:
            yield session
        except BaseException:
            with suppress(Exception):
                await session.rollback()
            raise
        if session.in_transaction():
            await session.commit()


def _prepare(session: Session, copies: Iterable[Any], options: ConnectionOptions) -> None:
    begin_outer(session)
    use_options(session, options)
    session.add_all(copies)


def begin_outer(session: Session) -> None:
    """Begin the transaction around a test on the binds of a session, by `begin_on_driver`."""
    for bind in {session.bind, *binds_of(session).values()} if ignores_outer.get() else ():
        if isinstance(bind, Connection) and bind.in_transaction():
            begin_on_driver(bind)


def begin_on_driver(connection: Connection) -> None:
    """Begin a transaction on SQLite, whose driver may not have begun it.

    Outside of a transaction, the release of a savepoint would commit its writes.
    """
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")


def binds_of(session: Session) -> dict[Any, Any]:
    """Return the engines that a session uses for particular classes and tables."""
    # Public since SQLAlchemy 2.1.
    binds: dict[Any, Any] = getattr(session, "binds", None) or getattr(
        session, "_Session__binds", {}
    )
    return dict(binds)


def engines_of(session: Session) -> list[Engine]:
    """Return all engines that a session is known to use."""
    return [bind.engine for bind in binds_known(session)]


def binds_known(session: Session) -> list[Engine | Connection]:
    """Return all engines and connections that a session is known to use."""
    shards: dict[Any, Any] = session.__dict__.get(_SHARDS, {})
    binds: list[Any] = [session.bind, *binds_of(session).values(), *shards.values()]
    if (transaction := session.get_transaction()) is not None:
        binds += transaction._connections
    if type(session).get_bind is not Session.get_bind:
        with suppress(Exception):  # a `get_bind` of user code, which may need a mapper
            binds.append(session.get_bind())
    return [bind for bind in binds if bind is not None]


def _copy_attributes(like: Any, made: Any) -> None:
    """Copy the attributes that SQLAlchemy's `__init__` has not set."""
    attributes: dict[str, Any] = made.__dict__
    given: dict[str, Any] = like.__dict__
    for name, value in given.items():
        if name in attributes or name in _NOT_COPIED or name.startswith("_clarion"):
            continue
        attributes[name] = _own_value(value, like, made)
    for slot in _slots(like.__class__):
        with suppress(AttributeError):  # it has no value
            slot.__set__(made, _own_value(slot.__get__(like), like, made))


def _slots(kind: type) -> Iterator[Any]:
    """Yield the attributes in `__slots__` of a user's session class and its bases."""
    for each in kind.__mro__:
        if not each.__module__.startswith("sqlalchemy."):
            yield from [
                slot for slot in vars(each).values() if isinstance(slot, MemberDescriptorType)
            ]


def _own_value(value: Any, like: Any, made: Any) -> Any:
    """Return the value of an attribute for the new session."""
    if value is like:
        return made
    if type(value) in {dict, list, set}:
        return value.copy()
    is_own_method = isinstance(value, MethodType) and value.__self__ is like
    return MethodType(value.__func__, made) if is_own_method else value
