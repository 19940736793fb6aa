"""Instances of mapped classes as references: the class, the primary key and the database.

    {"kind": "sqlalchemy", "class": "shop.models:Order", "key": [5], "database": "default"}

A receiver gets the row as it is when the receiver runs, in the session of the receiver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Column, Table, TypeDecorator, inspect
from sqlalchemy.orm import registry

from clarion._core.commands import command_line
from clarion._core.names import quoted_name
from clarion.envelope import GoneError
from clarion.errors import DecodingError
from clarion.integrations.sqlalchemy.async_sessions import async_session
from clarion.integrations.sqlalchemy.binds import alias_of_mapper, is_sharded
from clarion.integrations.sqlalchemy.commit.sessions import new_session
from clarion.integrations.sqlalchemy.commit.snapshots import (
    CommittedRow,
    detached_copy,
    is_mapped,
)
from clarion.integrations.sqlalchemy.detached import alias_of_instance
from clarion.integrations.sqlalchemy.outbox.columns import dump_value, load_value
from clarion.integrations.sqlalchemy.outbox.enumerations import enumerations
from clarion.integrations.sqlalchemy.outbox.mapped import (
    class_name,
    class_named,
    place_of,
    table_at,
)
from clarion.integrations.sqlalchemy.rows.columns import is_expression
from clarion.integrations.sqlalchemy.rows.expired import expired_columns, load_expired
from clarion.integrations.sqlalchemy.rows.mapper_info import mapper_info
from clarion.integrations.sqlalchemy.send import in_greenlet
from clarion.integrations.sqlalchemy.senders import is_unmapped, mapper_of
from clarion.integrations.sqlalchemy.session_types import sync_session

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstanceState, Mapper, Session

    State = InstanceState[Any]


class MappedReferences:
    """The kind of reference to instances of mapped classes, and to association tables."""

    name = "sqlalchemy"

    def owns(self, value: object) -> bool:
        """Return whether a value is a mapped instance or a table."""
        if isinstance(value, Table):
            return True
        # The class first, so that a lazy object is not loaded.
        return hasattr(type(value), "_sa_class_manager") and is_mapped(value)

    def owns_class(self, kind: type) -> bool:
        """Return whether a class is mapped."""
        return hasattr(kind, "_sa_class_manager") and mapper_of(kind) is not None

    def owns_base(self, kind: type) -> bool:
        """Return whether a class is a declarative base, or an abstract class of one."""
        # That of SQLModel has the second name only.
        known = (getattr(kind, name, None) for name in ("registry", "_sa_registry"))
        return is_unmapped(kind) and any(isinstance(each, registry) for each in known)

    def enumerations(self) -> list[type]:
        """Return the enumerations of mapped columns."""
        return enumerations()

    def is_session(self, value: object) -> bool:
        """Return whether a value is a session; a worker passes its own session instead."""
        return sync_session(value) is not None

    def is_session_class(self, kind: type) -> bool:
        """Return whether the instances of a class are sessions."""
        return any(
            each.__module__.startswith("sqlalchemy.") and each.__name__ in _SESSIONS
            for each in kind.__mro__
        )

    def dump(self, value: Any) -> dict[str, Any]:
        """Return the class, the primary key and the database of an instance.

        Raises:
            ValueError: if it has no primary key yet, or its class shares its name with another.
        """
        if isinstance(value, Table):
            return {"table": [*place_of(cast("Any", value))]}
        state: State = inspect(value)
        mapper = state.mapper
        data: dict[str, Any] = {
            "class": class_name(mapper.class_),
            "key": [
                dump_value(part, column.type, column.name)
                for column, part in zip(mapper.primary_key, _identity(state), strict=True)
            ],
            "database": _alias_of(state),
        }
        if state.identity_token is not None:
            data["shard"] = dump_value(
                state.identity_token, mapper.primary_key[0].type, "the shard"
            )
        return data

    def load(self, data: dict[str, Any], session: Any) -> object:
        """Return the instance from its row, in the session of the receiver.

        Raises:
            GoneError: if its row does not exist.
            LookupError: if its class is not mapped.
            DecodingError: if it is of another database than the session's.
        """
        if "table" in data:
            return table_at(data["table"])
        mapper: Mapper[Any] = inspect(class_named(data.get("class")))
        loading = _session_for(mapper, data, session)
        token = load_value(data.get("shard"), mapper.primary_key[0].type, session)
        found = loading.get(mapper.class_, _key_of(mapper, data), identity_token=token)
        if found is None:
            raise GoneError(
                f"The {mapper.class_.__name__} of a stored send is gone. The option missing= of the "
                f"receiver's delivery says what happens then."
            )
        return found

    def snapshot(self, value: Any) -> Any:
        """Return the values of the columns that are loaded, expired or null; None for a table.

        Raises:
            ValueError: if a value cannot be stored, or an expired one cannot be read here.
        """
        if isinstance(value, Table):
            return None
        state: State = inspect(value)
        mapper, loaded = state.mapper, {**_nulls(state), **_expired_values(state), **state.dict}
        return {
            name: dump_value(loaded[name], mapper.column_attrs[name].columns[0].type, name)
            for name in mapper_info(mapper).columns
            if name in loaded and not is_expression(loaded[name])
        }

    def restore(self, data: dict[str, Any], snapshot: Any, session: Any) -> object:
        """Return the instance as it was: detached, and with the columns that were loaded.

        Raises:
            LookupError: if its class is not mapped.
        """
        mapper: Mapper[Any] = inspect(class_named(data.get("class")))
        # A column that was removed from the class since the send is ignored.
        values = {
            name: load_value(value, mapper.column_attrs[name].columns[0].type, session)
            for name, value in snapshot.items()
            if name in mapper.column_attrs
        }
        for column, part in zip(mapper.primary_key, _key_of(mapper, data), strict=True):
            values[mapper.get_property_by_column(column).key] = part
        token = load_value(data.get("shard"), mapper.primary_key[0].type, session)
        return detached_copy(mapper.class_manager, values, token, data.get("database"))

    def dump_class(self, kind: type) -> str:
        """Return the name of a mapped class.

        Raises:
            ValueError: if another mapped class has the same name.
        """
        return class_name(kind)

    def load_class(self, name: str) -> type:
        """Return the mapped class of this name.

        Raises:
            LookupError: if the program has no such class, or several.
        """
        kind: type = class_named(name)
        return kind


_SESSIONS = {"Session", "scoped_session", "AsyncSession", "async_scoped_session"}


def _identity(state: State) -> tuple[Any, ...]:
    """Return the primary key of an instance, which a flush has stored or will store.

    Raises:
        ValueError: if it is incomplete, or the instance is in no session.
    """
    if state.key is not None:
        found: tuple[Any, ...] = state.key[1]
        return found
    if state.session_id is None:
        raise ValueError("has no row; add it to the session and flush it first")
    values = tuple(state.mapper.primary_key_from_instance(state.obj()))
    if None in values or any(is_expression(value) for value in values):
        raise ValueError(
            "has no primary key yet; flush the session first, or connect the receiver to post_save"
        )
    return values


def _alias_of(state: State) -> str:
    alias = alias_of_instance(state)
    if alias is None:
        raise ValueError(
            "is in no session, and its database is not known; add it to a session first, or send its key"
        )
    return alias


def _nulls(state: State) -> dict[str, Any]:
    """Return the columns that were null in the INSERT of this instance, which leaves them unloaded."""
    if state.insert_order is None:
        return {}  # loaded by a query, which may have left out any column
    return {
        name: None
        for name in mapper_info(state.mapper).columns
        if name not in state.expired_attributes
        and _is_null_by_default(state.mapper.column_attrs[name].columns[0])
    }


def _is_null_by_default(column: ColumnElement[Any]) -> bool:
    if not isinstance(column, Column):
        return False
    # A type of the program may load another value for null.
    kind = type(column.type)
    is_plain = not issubclass(kind, TypeDecorator) or kind.__module__.startswith("sqlalchemy.")
    return is_plain and column.default is None and column.server_default is None


def _expired_values(state: State) -> dict[str, Any]:
    """Return the values that a commit has expired, without a transaction that the program has to end.

    Raises:
        ValueError: if only a coroutine can read them.
    """
    session = state.session
    names = expired_columns(state)
    if not names or state.key is None or session is None or state._deleted:
        return {}
    if async_session(session) is not None and not in_greenlet():
        raise ValueError(
            "has values that a commit has expired; refresh it first, or make its session with "
            "expire_on_commit=False"
        )
    if session.in_transaction():
        load_expired(state)
        return {}
    row = CommittedRow(state, dict.fromkeys(names), {}, state.key, is_deleted=False)
    with new_session(session) as reader, reader.begin():
        row.read(reader)
    copied: object = row.copy()
    return vars(copied)


def _key_of(mapper: Mapper[Any], data: dict[str, Any]) -> tuple[Any, ...]:
    parts = data.get("key")
    if not isinstance(parts, list) or len(parts) != len(mapper.primary_key):  # pyright: ignore[reportUnknownArgumentType]
        raise DecodingError(
            "A reference to an instance of a mapped class is damaged, or its primary key has changed. "
            "Discard the delivery."
        )
    columns: list[Any] = [*mapper.primary_key]
    values: list[Any] = [*parts]
    return tuple(
        load_value(value, column.type, None) for column, value in zip(columns, values, strict=True)
    )


def _session_for(mapper: Mapper[Any], data: dict[str, Any], session: Any) -> Session:
    """Return the sync session that loads an instance.

    Raises:
        DecodingError: if no session was given, or it reads another database.
    """
    name = mapper.class_.__name__
    loading = sync_session(session)
    if loading is None:
        raise DecodingError(
            f"A stored send refers to a row of {name}, and the worker has no session to load it. Give "
            f"`{command_line('work')}` clarion.integrations.sqlalchemy.EngineDatabase(engine) as --database "
            f"module:object. Where the worker of a task engine starts, call "
            f"clarion.integrations.sqlalchemy.alias(engine, 'default')."
        )
    alias = data.get("database")
    if not is_sharded(loading) and (here := alias_of_mapper(loading, mapper)) != alias:
        raise DecodingError(
            f"A stored send refers to a row of {name} in the database {quoted_name(alias)}, and the worker's "
            f"session reads it from {quoted_name(here)}. Give the engine the same alias in the worker: "
            f"clarion.integrations.sqlalchemy.alias(engine, name)."
        )
    return loading


MAPPED = MappedReferences()
